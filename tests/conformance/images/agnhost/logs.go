package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

// generateLogs writes lines that look like a program's at work.
func generateLogs(args []string) int {
	flags := flag.NewFlagSet("logs-generator", flag.ExitOnError)
	total := flags.Int("log-lines-total", 0, "lines in all")
	duration := flags.Duration("run-duration", 0, "how long all of them take")
	flags.IntVar(total, "t", 0, "short for log-lines-total")
	flags.DurationVar(duration, "d", 0, "short for run-duration")
	flags.Parse(args)
	if *total <= 0 || *duration <= 0 {
		fmt.Fprintln(os.Stderr, "logs-generator: wants --log-lines-total and --run-duration")
		return 1
	}
	every := time.Duration(int64(*duration) / int64(*total))
	verbs := []string{"GET", "PUT", "POST"}
	for line := range *total {
		fmt.Fprintf(os.Stderr, "%s %d %s /api/v1/namespaces/ns/pods/%x %d\n",
			time.Now().UTC().Format(time.RFC3339Nano), line, verbs[rand.IntN(len(verbs))],
			rand.Uint32(), 200+rand.IntN(300))
		time.Sleep(every)
	}
	return 0
}
