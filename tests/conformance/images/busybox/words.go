package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func nothing(*call) int { return 0 }

func echo(c *call) int {
	return c.bash("echo", c.args)
}

func printf(c *call) int {
	return c.bash("printf", c.args)
}

func test(c *call) int {
	args := c.args
	if c.name == "[" || c.name == "[[" {
		if len(args) == 0 || args[len(args)-1] != strings.Repeat("]", len(c.name)) {
			c.fail(errors.New("has no end"))
			return usageError
		}
		args = args[:len(args)-1]
	}
	return c.bash("test", args)
}

func sleep(c *call) int {
	units := map[byte]float64{'s': 1, 'm': 60, 'h': 3600, 'd': 86400}
	total := 0.0
	for _, arg := range c.args {
		factor := 1.0
		if unit, has := units[arg[len(arg)-1]]; has {
			factor, arg = unit, arg[:len(arg)-1]
		}
		seconds, err := strconv.ParseFloat(arg, 64)
		if err != nil {
			return c.fail(fmt.Errorf("invalid number %q", arg))
		}
		total += seconds * factor
	}
	select {
	case <-time.After(time.Duration(total * float64(time.Second))):
		return 0
	case <-c.ctx.Done():
		return 1
	}
}

func env(c *call) int {
	_, names := c.flags("u")
	vars := c.env
	if c.name == "printenv" && len(names) > 0 {
		for _, one := range vars {
			if value, is := strings.CutPrefix(one, names[0]+"="); is {
				fmt.Fprintln(c.stdout, value)
				return 0
			}
		}
		return 1
	}
	for len(names) > 0 && strings.Contains(names[0], "=") {
		vars, names = append(vars, names[0]), names[1:]
	}
	if len(names) > 0 {
		inner := *c
		inner.env, inner.args = vars, []string{"-c", `"$@"`, "env"}
		inner.args = append(inner.args, names...)
		return shell(&inner)
	}
	for _, one := range vars {
		fmt.Fprintln(c.stdout, one)
	}
	return 0
}

// id says root: WASI knows no users, and what a program sees is its own.
func id(c *call) int {
	given, _ := c.flags("")
	_, name := given['n']
	switch {
	case name:
		fmt.Fprintln(c.stdout, "root")
	case len(given) > 0:
		fmt.Fprintln(c.stdout, "0")
	default:
		fmt.Fprintln(c.stdout, "uid=0(root) gid=0(root) groups=0(root)")
	}
	return 0
}

func whoami(c *call) int {
	fmt.Fprintln(c.stdout, "root")
	return 0
}

func pwd(c *call) int {
	fmt.Fprintln(c.stdout, c.dir)
	return 0
}

// hostname is what the node wrote for the pod, with -f as in /etc/hosts: WASI cannot ask the system.
func hostname(c *call) int {
	written, err := os.ReadFile("/etc/hostname")
	name := strings.TrimSpace(string(written))
	if err != nil {
		name = os.Getenv("HOSTNAME")
	}
	if given, _ := c.flags(""); len(given) > 0 {
		hosts, _ := os.ReadFile("/etc/hosts")
		for line := range strings.Lines(string(hosts)) {
			if words := strings.Fields(line); len(words) > 1 && slices.Contains(words[1:], name) {
				name = words[1]
				break
			}
		}
	}
	fmt.Fprintln(c.stdout, name)
	return 0
}

func uname(c *call) int {
	fmt.Fprintln(c.stdout, "Linux")
	return 0
}

// date knows +FORMAT with %s, %Y, %m, %d, %H, %M, %S and %N.
func date(c *call) int {
	now := time.Now().UTC()
	format := now.Format("Mon Jan _2 15:04:05 MST 2006")
	for _, arg := range c.args {
		if after, is := strings.CutPrefix(arg, "+"); is {
			format = strings.NewReplacer(
				"%s", strconv.FormatInt(now.Unix(), 10), "%Y", now.Format("2006"),
				"%m", now.Format("01"), "%d", now.Format("02"), "%H", now.Format("15"),
				"%M", now.Format("04"), "%S", now.Format("05"), "%N", now.Format("000000000"),
				"%F", now.Format("2006-01-02"), "%T", now.Format("15:04:05"), "%%", "%",
			).Replace(after)
		}
	}
	fmt.Fprintln(c.stdout, format)
	return 0
}

func baseName(c *call) int {
	if len(c.args) == 0 {
		return c.fail(errors.New("wants a name"))
	}
	name := path.Base(c.args[0])
	if len(c.args) > 1 {
		name = strings.TrimSuffix(name, c.args[1])
	}
	fmt.Fprintln(c.stdout, name)
	return 0
}

func dirName(c *call) int {
	if len(c.args) == 0 {
		return c.fail(errors.New("wants a name"))
	}
	fmt.Fprintln(c.stdout, path.Dir(c.args[0]))
	return 0
}

var printFields = regexp.MustCompile(`^\s*\{\s*print((?:\s*,?\s*\$\d+)*)\s*;?\s*\}\s*$`)

// awk knows programs of the form `{print $1, $2}` only, which is what scripts use it for.
func awk(c *call) int {
	given, rest := c.flags("F")
	if len(rest) == 0 {
		return c.fail(errors.New("wants a program"))
	}
	wanted := printFields.FindStringSubmatch(rest[0])
	if wanted == nil {
		return c.fail(fmt.Errorf("cannot run %q: only {print $N} is known", rest[0]))
	}
	numbers := regexp.MustCompile(`\d+`).FindAllString(wanted[1], -1)
	return c.inputs(rest[1:], func(_ string, from io.Reader) error {
		return eachLine(from, func(line string) {
			fields := strings.Fields(line)
			if separator, chosen := given['F']; chosen {
				fields = strings.Split(line, separator)
			}
			out := []string{}
			for _, number := range numbers {
				n, _ := strconv.Atoi(number)
				switch {
				case n == 0:
					out = append(out, line)
				case n <= len(fields):
					out = append(out, fields[n-1])
				default:
					out = append(out, "")
				}
			}
			if len(numbers) == 0 {
				out = []string{line}
			}
			fmt.Fprintln(c.stdout, strings.Join(out, " "))
		})
	})
}

// cut knows -d and -f with one field.
func cut(c *call) int {
	given, names := c.flags("df")
	separator, chosen := given['d']
	if !chosen {
		separator = "\t"
	}
	number, err := strconv.Atoi(given['f'])
	if err != nil {
		return c.fail(fmt.Errorf("field %q is no number", given['f']))
	}
	return c.inputs(names, func(_ string, from io.Reader) error {
		return eachLine(from, func(line string) {
			fields := strings.Split(line, separator)
			fmt.Fprintln(c.stdout, fields[min(number, len(fields))-1])
		})
	})
}

// tr knows plain letters and -d.
func tr(c *call) int {
	given, sets := c.flags("")
	_, remove := given['d']
	if len(sets) == 0 || (!remove && len(sets) < 2) {
		return c.fail(errors.New("wants letters"))
	}
	unescape := strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\r`, "\r")
	text, err := io.ReadAll(c.stdin)
	if err != nil {
		return c.fail(err)
	}
	from := []rune(unescape.Replace(sets[0]))
	io.WriteString(c.stdout, strings.Map(func(letter rune) rune {
		for i, one := range from {
			if one != letter {
				continue
			}
			if remove {
				return -1
			}
			to := []rune(unescape.Replace(sets[1]))
			return to[min(i, len(to)-1)]
		}
		return letter
	}, string(text)))
	return 0
}

// bytesOf reads a number with a unit, as 10, 4k or 1M; what is no number is 0.
func bytesOf(text string) int64 {
	factor := int64(1)
	units := map[string]int64{"k": 1 << 10, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
	for unit, value := range units {
		if number, is := strings.CutSuffix(text, unit); is {
			text, factor = number, value
		}
	}
	number, _ := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return number * factor
}
