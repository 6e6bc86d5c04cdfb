package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// How often tail -f looks for more.
const followEvery = 200 * time.Millisecond

func cat(c *call) int {
	_, names := c.flags("")
	return c.inputs(names, func(_ string, from io.Reader) error {
		_, err := io.Copy(c.stdout, from)
		return err
	})
}

// grep knows -q, -v, -i, -c, -n, -E, -F, -o and -e, one pattern.
func grep(c *call) int {
	given, rest := c.flags("e")
	pattern, chosen := given['e']
	if !chosen {
		if len(rest) == 0 {
			return c.fail(errors.New("wants a pattern"))
		}
		pattern, rest = rest[0], rest[1:]
	}
	has := func(letter byte) bool { _, is := given[letter]; return is }
	if has('F') {
		pattern = regexp.QuoteMeta(pattern)
	}
	if has('i') {
		pattern = "(?i)" + pattern
	}
	expression, err := regexp.Compile(pattern)
	if err != nil {
		c.fail(err)
		return usageError
	}
	hits := 0
	code := c.inputs(rest, func(name string, from io.Reader) error {
		number := 0
		return eachLine(from, func(line string) {
			number++
			if expression.MatchString(line) == has('v') {
				return
			}
			hits++
			if has('q') || has('c') {
				return
			}
			if has('o') {
				line = expression.FindString(line)
			}
			if has('n') {
				line = fmt.Sprintf("%d:%s", number, line)
			}
			if len(rest) > 1 {
				line = name + ":" + line
			}
			fmt.Fprintln(c.stdout, line)
		})
	})
	if has('c') {
		fmt.Fprintln(c.stdout, hits)
	}
	if code != 0 {
		return usageError
	}
	if hits == 0 {
		return 1
	}
	return 0
}

func wc(c *call) int {
	given, names := c.flags("")
	return c.inputs(names, func(name string, from io.Reader) error {
		content, err := io.ReadAll(from)
		if err != nil {
			return err
		}
		counts := []string{}
		for _, count := range []struct {
			letter byte
			number int
		}{
			{'l', strings.Count(string(content), "\n")},
			{'w', len(strings.Fields(string(content)))},
			{'c', len(content)},
		} {
			if _, wanted := given[count.letter]; wanted || len(given) == 0 {
				counts = append(counts, strconv.Itoa(count.number))
			}
		}
		if name != "-" {
			counts = append(counts, name)
		}
		fmt.Fprintln(c.stdout, strings.Join(counts, " "))
		return nil
	})
}

func head(c *call) int {
	given, names := c.flags("nc0123456789")
	lines, size := sizeOf(given, 10)
	return c.inputs(names, func(_ string, from io.Reader) error {
		if size >= 0 {
			_, err := io.Copy(c.stdout, io.LimitReader(from, int64(size)))
			return err
		}
		left := lines
		return eachLine(from, func(line string) {
			if left--; left >= 0 {
				fmt.Fprintln(c.stdout, line)
			}
		})
	})
}

// tail knows -n, -c and -f; /dev/null is followed for ever without there being such a file.
func tail(c *call) int {
	given, names := c.flags("nc0123456789")
	_, follow := given['f']
	lines, size := sizeOf(given, 10)
	if follow && len(names) == 1 && names[0] == "/dev/null" {
		// Go would call it a deadlock if nobody at all had something to wait for.
		for c.ctx.Err() == nil {
			time.Sleep(followEvery)
		}
		return 0
	}
	return c.inputs(names, func(_ string, from io.Reader) error {
		content, err := io.ReadAll(from)
		if err != nil {
			return err
		}
		text := string(content)
		if size >= 0 {
			text = text[max(0, len(text)-size):]
		} else {
			all := strings.SplitAfter(text, "\n")
			if all[len(all)-1] == "" {
				all = all[:len(all)-1]
			}
			text = strings.Join(all[max(0, len(all)-lines):], "")
		}
		io.WriteString(c.stdout, text)
		for follow && c.ctx.Err() == nil {
			time.Sleep(followEvery)
			if _, err := io.Copy(c.stdout, from); err != nil {
				return err
			}
		}
		return nil
	})
}

// sizeOf reads -n LINES, -LINES and -c BYTES; the second answer is negative without -c.
func sizeOf(given map[byte]string, lines int) (int, int) {
	size := -1
	for letter, value := range given {
		switch {
		case letter == 'n':
			lines, _ = strconv.Atoi(strings.TrimPrefix(value, "-"))
		case letter == 'c':
			size, _ = strconv.Atoi(value)
		case letter >= '0' && letter <= '9':
			lines, _ = strconv.Atoi(string(letter) + value)
		}
	}
	return lines, size
}

func sortLines(c *call) int {
	given, names := c.flags("")
	var all []string
	code := c.inputs(names, func(_ string, from io.Reader) error {
		return eachLine(from, func(line string) { all = append(all, line) })
	})
	slices.Sort(all)
	if _, numbers := given['n']; numbers {
		slices.SortStableFunc(all, func(a, b string) int { return int(bytesOf(a) - bytesOf(b)) })
	}
	if _, back := given['r']; back {
		slices.Reverse(all)
	}
	if _, once := given['u']; once {
		all = slices.Compact(all)
	}
	for _, line := range all {
		fmt.Fprintln(c.stdout, line)
	}
	return code
}

func tee(c *call) int {
	given, names := c.flags("")
	mode := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if _, add := given['a']; add {
		mode = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	outputs := []io.Writer{c.stdout}
	for _, name := range names {
		file, err := os.OpenFile(c.path(name), mode, 0o666)
		if err != nil {
			return c.fail(err)
		}
		defer file.Close()
		outputs = append(outputs, file)
	}
	if _, err := io.Copy(io.MultiWriter(outputs...), c.stdin); err != nil {
		return c.fail(err)
	}
	return 0
}

func eachLine(from io.Reader, use func(line string)) error {
	reader := bufio.NewReader(from)
	for {
		line, err := reader.ReadString('\n')
		if line != "" {
			use(strings.TrimSuffix(line, "\n"))
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
