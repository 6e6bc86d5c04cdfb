import assert from "node:assert/strict";
import fc from "fast-check";
import { expandReferences } from "./expand.ts";

const values: Record<string, string> = {
  VAR_A: "A",
  VAR_B: "B",
  VAR_C: "C",
  REF: "$(VAR_A)",
  "": "-",
};
const lookup = (name: string): string | undefined => values[name];

// The rows are those behaviours that the API reference of `env.value` and `command` promises.
const ROWS: Record<string, string> = {
  "": "",
  "plain": "plain",
  "$(VAR_A)": "A",
  "___$(VAR_B)___": "___B___",
  "$(VAR_A)$(VAR_B)$(VAR_C)": "ABC",
  "$$(VAR_A)": "$(VAR_A)",
  "$$$(VAR_A)": "$A",
  "$$$$(VAR_A)": "$$(VAR_A)",
  "$$$$$(VAR_A)": "$$A",
  "f000-$$VAR_A": "f000-$VAR_A",
  "foo$$bar": "foo$bar",
  "$VAR_A": "$VAR_A",
  "$": "$",
  "$$": "$",
  "$$$": "$$",
  "$(": "$(",
  "$(VAR_A": "$(VAR_A",
  "$(VAR_A$(VAR_B)": "$(VAR_A$(VAR_B)",
  "$(MISSING)": "$(MISSING)",
  "foo$(MISSING)$(VAR_A)": "foo$(MISSING)A",
  "$(VAR A)": "$(VAR A)",
  "${VAR_A}": "${VAR_A}",
  "$(REF)": "$(VAR_A)",
  "$()": "-",
  "\n$(VAR_A)\n": "\nA\n",
  "$(VAR_A))": "A)",
  "(VAR_A)": "(VAR_A)",
};

Deno.test("expandReferences() follows the documented syntax", () => {
  for (const [text, expected] of Object.entries(ROWS)) {
    assert.equal(expandReferences(text, lookup), expected, JSON.stringify(text));
  }
});

Deno.test("expandReferences() gives any text back once its dollar signs are doubled", () => {
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom(..."$()aVAR_ \n") }), (text) => {
    assert.equal(expandReferences(text.replaceAll("$", "$$$$"), lookup), text);
  }));
});
