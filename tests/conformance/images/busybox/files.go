package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

func touch(c *call) int {
	_, names := c.flags("")
	for _, name := range names {
		file, err := os.OpenFile(c.path(name), os.O_CREATE|os.O_WRONLY, 0o666)
		if err == nil {
			err = file.Close()
		}
		if err == nil {
			now := time.Now()
			err = os.Chtimes(c.path(name), now, now)
		}
		if err != nil {
			return c.fail(err)
		}
	}
	return 0
}

func rm(c *call) int {
	given, names := c.flags("")
	_, force := given['f']
	_, deep := given['r']
	if _, other := given['R']; other {
		deep = true
	}
	code := 0
	for _, name := range names {
		remove := os.Remove
		if deep {
			remove = os.RemoveAll
		}
		if err := remove(c.path(name)); err != nil && !(force && errors.Is(err, fs.ErrNotExist)) {
			code = c.fail(err)
		}
	}
	return code
}

func mkdir(c *call) int {
	given, names := c.flags("m")
	make := os.Mkdir
	if _, parents := given['p']; parents {
		make = os.MkdirAll
	}
	for _, name := range names {
		if err := make(c.path(name), 0o777); err != nil {
			return c.fail(err)
		}
	}
	return 0
}

func cp(c *call) int {
	_, names := c.flags("")
	if len(names) < 2 {
		return c.fail(errors.New("wants a source and a target"))
	}
	target := c.path(names[len(names)-1])
	for _, name := range names[:len(names)-1] {
		content, err := os.ReadFile(c.path(name))
		if err == nil {
			err = os.WriteFile(inFolder(target, name), content, 0o666)
		}
		if err != nil {
			return c.fail(err)
		}
	}
	return 0
}

func mv(c *call) int {
	_, names := c.flags("")
	if len(names) < 2 {
		return c.fail(errors.New("wants a source and a target"))
	}
	target := c.path(names[len(names)-1])
	for _, name := range names[:len(names)-1] {
		if err := os.Rename(c.path(name), inFolder(target, name)); err != nil {
			return c.fail(err)
		}
	}
	return 0
}

func inFolder(target, name string) string {
	if info, err := os.Stat(target); err == nil && info.IsDir() {
		return path.Join(target, path.Base(name))
	}
	return target
}

func ln(c *call) int {
	given, names := c.flags("")
	if len(names) != 2 {
		return c.fail(errors.New("wants a target and a name"))
	}
	var err error
	if _, symbolic := given['s']; symbolic {
		err = os.Symlink(names[0], c.path(names[1]))
	} else {
		err = os.Link(c.path(names[0]), c.path(names[1]))
	}
	if err != nil {
		return c.fail(err)
	}
	return 0
}

func readLink(c *call) int {
	given, names := c.flags("")
	for _, name := range names {
		read := os.Readlink
		if _, whole := given['f']; whole {
			read = filepath.EvalSymlinks
		}
		target, err := read(c.path(name))
		if err != nil {
			return c.fail(err)
		}
		fmt.Fprintln(c.stdout, target)
	}
	return 0
}

// dd copies as `if=`, `of=`, `bs=` and `count=` say; /dev/zero needs no such file.
func dd(c *call) int {
	from, to, size, count := "", "", int64(512), int64(-1)
	for _, arg := range c.args {
		key, value, _ := strings.Cut(arg, "=")
		switch key {
		case "if":
			from = value
		case "of":
			to = value
		case "bs":
			size = bytesOf(value)
		case "count":
			count = bytesOf(value)
		}
	}
	input := c.stdin
	if from == "/dev/zero" {
		input = zeros{}
	} else if from != "" {
		file, err := os.Open(c.path(from))
		if err != nil {
			return c.fail(err)
		}
		defer file.Close()
		input = file
	}
	if count >= 0 {
		input = io.LimitReader(input, size*count)
	}
	output := c.stdout
	if to != "" {
		file, err := os.Create(c.path(to))
		if err != nil {
			return c.fail(err)
		}
		defer file.Close()
		output = file
	}
	copied, err := io.Copy(output, input)
	fmt.Fprintf(c.stderr, "%d bytes copied\n", copied)
	if err != nil {
		return c.fail(err)
	}
	return 0
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}
