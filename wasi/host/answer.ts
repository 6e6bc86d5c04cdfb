/** A result from 0 up, or a negated number of WASI's `errno`. */
export type Answer = number;

/** An answer that may take its time; a promise only from the portable host. */
export type Eventual = Answer | Promise<Answer>;
