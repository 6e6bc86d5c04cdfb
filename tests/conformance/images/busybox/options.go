package main

import "strings"

// options yields each option, "" for what is none, with its value: letters in short have one, and
// the words in long.
func options(args []string, short, long string) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		take := func(value string, has bool) string {
			if !has && len(args) > 0 {
				value, args = args[0], args[1:]
			}
			return value
		}
		for len(args) > 0 {
			word := args[0]
			args = args[1:]
			if len(word) < 2 || word[0] != '-' {
				if !yield("", word) {
					return
				}
				continue
			}
			if name, is := strings.CutPrefix(word, "--"); is {
				name, value, has := strings.Cut(name, "=")
				if strings.Contains(" "+long+" ", " "+name+" ") {
					value = take(value, has)
				}
				if !yield(name, value) {
					return
				}
				continue
			}
			for i := 1; i < len(word); i++ {
				value := ""
				if contains(short, word[i]) {
					value = take(word[i+1:], i+1 < len(word))
				}
				if !yield(word[i:i+1], value) {
					return
				}
				if contains(short, word[i]) {
					break
				}
			}
		}
	}
}
