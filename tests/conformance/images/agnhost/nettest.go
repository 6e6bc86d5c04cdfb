package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"

	"github.com/spf13/cobra"
)

// netTester is the part of nettest that remembers who has written to it. The other part asks the API
// server for its peers, and would make this program twice as large.
var netTester = &cobra.Command{Use: "nettest", RunE: remember}

func init() {
	netTester.Flags().Int("port", 8080, "where to listen")
}

// remember counts those who post {"Source": NAME} to /write, and tells them on /read.
func remember(command *cobra.Command, _ []string) error {
	port, err := command.Flags().GetInt("port")
	if err != nil {
		return err
	}
	var lock sync.Mutex
	received := map[string]int{}
	http.HandleFunc("/write", func(response http.ResponseWriter, request *http.Request) {
		var post struct{ Source string }
		if err := json.NewDecoder(request.Body).Decode(&post); err != nil || post.Source == "" {
			http.Error(response, "wants a source", http.StatusBadRequest)
			return
		}
		lock.Lock()
		defer lock.Unlock()
		received[post.Source]++
	})
	http.HandleFunc("/read", func(response http.ResponseWriter, _ *http.Request) {
		lock.Lock()
		defer lock.Unlock()
		hostname, _ := os.Hostname()
		json.NewEncoder(response).Encode(map[string]any{"Hostname": hostname, "Received": received})
	})
	return http.ListenAndServe(fmt.Sprintf(":%d", port), nil)
}
