package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/interp"
	"mvdan.cc/sh/v3/syntax"
)

// Exit codes that every shell has.
const (
	notFound   = 127
	usageError = 2
)

// What scripts set traps on.
const signals = "TERM INT HUP QUIT USR1 USR2 SIGTERM SIGINT SIGHUP SIGQUIT SIGUSR1 SIGUSR2"

// shell runs `sh [-c] SCRIPT [NAME ARGS…]`, a file, or its standard input.
func shell(c *call) int {
	given, rest := c.flags("")
	var source io.Reader = c.stdin
	name := "sh"
	if _, script := given['c']; script {
		if len(rest) == 0 {
			return c.fail(errors.New("-c needs a script"))
		}
		source, rest = strings.NewReader(rest[0]), rest[1:]
		if len(rest) > 0 {
			name, rest = rest[0], rest[1:]
		}
	} else if len(rest) > 0 {
		file, err := os.Open(c.path(rest[0]))
		if err != nil {
			c.fail(err)
			return notFound
		}
		defer file.Close()
		source, name, rest = file, rest[0], rest[1:]
	}
	// Bash's language, because busybox's shell has its [[ ]] too.
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(source, name)
	if err != nil {
		c.fail(err)
		return usageError
	}
	options := []string{"--"}
	if _, strict := given['e']; strict {
		options = []string{"-e", "--"}
	}
	return c.interpret(file, append(options, rest...))
}

func (c *call) interpret(file *syntax.File, params []string) int {
	runner, err := interp.New(
		interp.StdIO(c.stdin, c.stdout, c.stderr),
		interp.Dir(c.dir),
		interp.Env(expand.ListEnviron(c.env...)),
		interp.Params(params...),
		interp.CallHandler(prepare),
		interp.OpenHandler(openFile),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return runTool }),
	)
	if err != nil {
		c.fail(err)
		return usageError
	}
	err = runner.Run(c.ctx, file)
	var status interp.ExitStatus
	if errors.As(err, &status) {
		return int(status)
	}
	if err != nil {
		return c.fail(err)
	}
	return 0
}

// openFile says in busybox's words what cannot be opened: scripts' output is compared with them.
func openFile(
	ctx context.Context, name string, flags int, mode os.FileMode,
) (io.ReadWriteCloser, error) {
	file, err := interp.DefaultOpenHandler()(ctx, name, flags, mode)
	var failed *os.PathError
	if !errors.As(err, &failed) {
		return file, err
	}
	action := "can't open"
	if flags&os.O_CREATE != 0 {
		action = "can't create"
	}
	why := failed.Err.Error()
	return nil, &os.PathError{
		Op: os.Args[0] + ": " + action, Path: name, Err: errors.New(strings.ToUpper(why[:1]) + why[1:]),
	}
}

// prepare turns traps on signals into nothing: WASI has no signals.
func prepare(_ context.Context, args []string) ([]string, error) {
	if args[0] != "trap" || len(args) < 2 {
		return args, nil
	}
	for _, word := range strings.Fields(signals) {
		if args[len(args)-1] == word {
			return []string{"true"}, nil
		}
	}
	return args, nil
}

// runTool is what the shell does in place of starting a process.
func runTool(ctx context.Context, args []string) error {
	in := interp.HandlerCtx(ctx)
	name := path.Base(args[0])
	run, known := tools[name]
	if strings.Contains(args[0], "/") {
		place := args[0]
		if !path.IsAbs(place) {
			place = path.Join(in.Dir, place)
		}
		if _, err := os.Stat(place); err != nil {
			known = false
		}
	}
	if !known {
		fmt.Fprintf(in.Stderr, "sh: %s: not found\n", args[0])
		return interp.ExitStatus(notFound)
	}
	var vars []string
	for name, value := range in.Env.Each {
		if value.Exported && value.IsSet() {
			vars = append(vars, name+"="+value.String())
		}
	}
	var stdin io.Reader = in.Stdin
	if in.Stdin == nil {
		stdin = strings.NewReader("")
	}
	code := run(&call{
		ctx: ctx, name: name, args: args[1:], dir: in.Dir, env: vars,
		stdin: stdin, stdout: in.Stdout, stderr: in.Stderr,
	})
	if code == 0 {
		return nil
	}
	return interp.ExitStatus(code)
}

// bash runs one of the shell's own commands, so that the tool of its name behaves alike.
func (c *call) bash(command string, args []string) int {
	inner := *c
	inner.args = append([]string{"-c", command + ` "$@"`, c.name}, args...)
	return shell(&inner)
}
