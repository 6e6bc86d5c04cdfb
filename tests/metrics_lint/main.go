// Program metrics_lint reads a page of metrics from its stdin with the packages of Prometheus, and
// prints what is wrong with it as JSON: {"families": 12, "problems": [{"metric": "…", "text": "…"}]}.
//
// A page that Prometheus cannot read at all is an error: it is printed, and the exit code is 1.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"sort"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

type problem struct {
	Metric string `json:"metric"`
	Text   string `json:"text"`
}

func main() {
	page, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(page))
	if err != nil {
		fail(err)
	}
	found, err := promlint.New(bytes.NewReader(page)).Lint()
	if err != nil {
		fail(err)
	}
	problems := []problem{}
	for _, one := range found {
		problems = append(problems, problem{one.Metric, one.Text})
	}
	for name, family := range families {
		problems = append(problems, check(name, family)...)
	}
	sort.Slice(problems, func(a, b int) bool {
		return problems[a].Metric+problems[a].Text < problems[b].Metric+problems[b].Text
	})
	answer := map[string]any{"families": len(families), "problems": problems}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		fail(err)
	}
}

// check looks for what the linter leaves to others: a histogram whose buckets do not add up.
func check(name string, family *dto.MetricFamily) []problem {
	problems := []problem{}
	for _, metric := range family.Metric {
		if histogram := metric.Histogram; histogram != nil && !addsUp(histogram) {
			problems = append(problems, problem{name, fmt.Sprint("buckets do not add up: ", metric.Label)})
		}
	}
	return problems
}

func addsUp(histogram *dto.Histogram) bool {
	count, bound := uint64(0), math.Inf(-1)
	for _, bucket := range histogram.Bucket {
		if bucket.GetUpperBound() <= bound || bucket.GetCumulativeCount() < count {
			return false
		}
		count, bound = bucket.GetCumulativeCount(), bucket.GetUpperBound()
	}
	return math.IsInf(bound, 1) && count == histogram.GetSampleCount()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
