package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

func ls(c *call) int {
	given, names := c.flags("")
	_, long := given['l']
	_, all := given['a']
	if len(names) == 0 {
		names = []string{"."}
	}
	code := 0
	for _, name := range names {
		info, err := os.Stat(c.path(name))
		if err != nil {
			code = c.fail(err)
			continue
		}
		if _, itself := given['d']; !info.IsDir() || itself {
			c.entry(info, name, long)
			continue
		}
		entries, err := os.ReadDir(c.path(name))
		if err != nil {
			code = c.fail(err)
			continue
		}
		for _, entry := range entries {
			if info, err := entry.Info(); err == nil && (all || entry.Name()[0] != '.') {
				c.entry(info, entry.Name(), long)
			}
		}
	}
	return code
}

func (c *call) entry(info fs.FileInfo, name string, long bool) {
	if long {
		when := info.ModTime().Format("Jan _2 15:04")
		fmt.Fprintf(c.stdout, "%s 1 root root %8d %s ", modeText(info.Mode()), info.Size(), when)
	}
	fmt.Fprintln(c.stdout, name)
}

// modeText is ten letters, as ls prints them.
func modeText(mode fs.FileMode) string {
	kind := "-"
	if mode.IsDir() {
		kind = "d"
	} else if mode&fs.ModeSymlink != 0 {
		kind = "l"
	}
	return kind + mode.Perm().String()[1:]
}

// stat prints by `-c FORMAT`; WASI tells no owner, so that is always root.
func stat(c *call) int {
	given, names := c.flags("c")
	format, chosen := given['c']
	if !chosen {
		format = "  File: %n\n  Size: %s\nAccess: (%a/%A)  Uid: %u  Gid: %g"
	}
	for _, name := range names {
		look := os.Lstat
		if _, follow := given['L']; follow {
			look = os.Stat
		}
		info, err := look(c.path(name))
		if err != nil {
			return c.fail(err)
		}
		fmt.Fprintln(c.stdout, strings.NewReplacer(
			"%n", name, "%s", fmt.Sprint(info.Size()), "%A", modeText(info.Mode()),
			"%a", fmt.Sprintf("%o", info.Mode().Perm()), "%u", "0", "%g", "0",
			"%U", "root", "%G", "root", "%Y", fmt.Sprint(info.ModTime().Unix()),
		).Replace(format))
	}
	return 0
}

// find knows -name, -type f, d and l, and -maxdepth.
func find(c *call) int {
	roots, tests := c.args, []string(nil)
	for i, arg := range c.args {
		if strings.HasPrefix(arg, "-") {
			roots, tests = c.args[:i], c.args[i:]
			break
		}
	}
	if len(roots) == 0 {
		roots = []string{"."}
	}
	code := 0
	for _, root := range roots {
		err := filepath.WalkDir(c.path(root), func(at string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := root + strings.TrimPrefix(at, strings.TrimSuffix(c.path(root), "/"))
			wanted, err := findWants(tests, path.Clean(name), entry)
			if wanted {
				fmt.Fprintln(c.stdout, path.Clean(name))
			}
			return err
		})
		if err != nil {
			code = c.fail(err)
		}
	}
	return code
}

func findWants(tests []string, name string, entry fs.DirEntry) (bool, error) {
	kinds := map[string]fs.FileMode{"f": 0, "d": fs.ModeDir, "l": fs.ModeSymlink}
	for i := 0; i+1 < len(tests); i += 2 {
		value := tests[i+1]
		switch tests[i] {
		case "-name":
			if fits, err := path.Match(value, path.Base(name)); err != nil || !fits {
				return false, err
			}
		case "-type":
			if kind, known := kinds[value]; !known || entry.Type().Type() != kind {
				return false, nil
			}
		default:
			return false, errors.New("unknown test " + tests[i])
		}
	}
	return true, nil
}

// hexdump prints as `hexdump -C` does.
func hexdump(c *call) int {
	_, names := c.flags("n")
	return c.inputs(names, func(_ string, from io.Reader) error {
		dumper := hex.Dumper(c.stdout)
		size, err := io.Copy(dumper, from)
		dumper.Close()
		if size > 0 {
			fmt.Fprintf(c.stdout, "%08x\n", size)
		}
		return err
	})
}

// df tells names only: WASI cannot ask for the sizes of a file system.
func df(c *call) int {
	fmt.Fprintln(c.stdout, "Filesystem 1K-blocks Used Available Use% Mounted on")
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		return c.fail(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if words := strings.Fields(line); len(words) > 1 {
			fmt.Fprintf(c.stdout, "%s - - - - %s\n", words[0], words[1])
		}
	}
	return 0
}
