// Program busybox is a shell and the small tools that scripts of the conformance suite call, in one
// file: the name that it is started by says which.
//
// WASI starts no processes, so the shell runs the tools itself, each in a goroutine where a pipe
// wants it. A tool is a function and shares nothing but the files with the shell.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
)

// call is one use of a tool.
type call struct {
	ctx            context.Context
	name           string
	args           []string
	dir            string
	env            []string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// tool answers its exit code.
type tool func(*call) int

var tools map[string]tool

// The shell is a tool and calls tools, so the table cannot be an initial value.
func init() {
	tools = map[string]tool{
		"[": test, "[[": test, "awk": awk, "basename": baseName, "bash": shell, "cat": cat, "cp": cp, "cut": cut,
		"curl": curl, "date": date, "dd": dd, "df": df, "dirname": dirName, "echo": echo, "env": env,
		"false": func(*call) int { return 1 }, "find": find, "grep": grep, "head": head,
		"hexdump": hexdump, "hostname": hostname, "id": id, "ln": ln, "ls": ls, "mkdir": mkdir,
		"mv": mv, "nc": nc, "printenv": env, "printf": printf, "pwd": pwd, "readlink": readLink, "rm": rm,
		"sh": shell, "sleep": sleep, "sort": sortLines, "stat": stat, "sync": nothing, "tail": tail,
		"tee": tee, "test": test, "touch": touch, "tr": tr, "true": nothing, "uname": uname,
		"wc": wc, "wget": wget, "whoami": whoami,
	}
}

func main() {
	name, args := path.Base(os.Args[0]), os.Args[1:]
	if name == "busybox" || tools[name] == nil {
		if len(args) == 0 {
			name, args = "sh", nil
		} else {
			name, args = path.Base(args[0]), args[1:]
		}
	}
	run, known := tools[name]
	if !known {
		fmt.Fprintf(os.Stderr, "busybox: there is no tool %q in it\n", name)
		os.Exit(127)
	}
	dir, err := os.Getwd()
	if err != nil {
		dir = "/"
	}
	os.Exit(run(&call{
		ctx: context.Background(), name: name, args: args, dir: dir, env: os.Environ(),
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
	}))
}

// path makes a name absolute: tools of one shell share a process, but not the shell's folder.
func (c *call) path(name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join(c.dir, name)
}

// fail says what is wrong and answers the exit code.
func (c *call) fail(err error) int {
	fmt.Fprintf(c.stderr, "%s: %v\n", c.name, err)
	return 1
}

// flags takes the leading one-letter options off the arguments; those in withValue have a value.
func (c *call) flags(withValue string) (map[byte]string, []string) {
	given, rest := map[byte]string{}, c.args
	for len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' {
		word := rest[0]
		rest = rest[1:]
		if word == "--" {
			break
		}
		for i := 1; i < len(word); i++ {
			if !contains(withValue, word[i]) {
				given[word[i]] = ""
				continue
			}
			value := word[i+1:]
			if value == "" && len(rest) > 0 {
				value, rest = rest[0], rest[1:]
			}
			given[word[i]] = value
			break
		}
	}
	return given, rest
}

func contains(letters string, letter byte) bool {
	for i := range letters {
		if letters[i] == letter {
			return true
		}
	}
	return false
}

// inputs opens the named files one after the other, or the standard input if there is none.
func (c *call) inputs(names []string, use func(name string, from io.Reader) error) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	code := 0
	for _, name := range names {
		if err := c.input(name, use); err != nil {
			code = c.fail(err)
		}
	}
	return code
}

func (c *call) input(name string, use func(name string, from io.Reader) error) error {
	if name == "-" {
		return use(name, c.stdin)
	}
	file, err := os.Open(c.path(name))
	if err != nil {
		return err
	}
	defer file.Close()
	return use(name, file)
}
