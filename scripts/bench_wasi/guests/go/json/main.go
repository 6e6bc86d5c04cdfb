// Turns records into JSON and back: reflection, interfaces and allocation.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
)

type record struct {
	ID    int               `json:"id"`
	Name  string            `json:"name"`
	Price float64           `json:"price"`
	Tags  []string          `json:"tags"`
	Notes map[string]string `json:"notes"`
}

func main() {
	rounds := 50
	if len(os.Args) > 1 {
		rounds, _ = strconv.Atoi(os.Args[1])
	}
	records := make([]record, 200)
	for i := range records {
		records[i] = record{i, fmt.Sprintf("item %d", i), float64(i) / 4, []string{"a", "b"}, map[string]string{"k": "v"}}
	}
	total := 0
	for range rounds {
		text, err := json.Marshal(records)
		if err != nil {
			panic(err)
		}
		var back []record
		if err := json.Unmarshal(text, &back); err != nil {
			panic(err)
		}
		total += len(text) + len(back)
	}
	fmt.Println(total)
}
