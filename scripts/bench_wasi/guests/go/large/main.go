// A program of more than 10 MB that does next to nothing: what a large module costs at its start.
package main

import (
	"database/sql"
	"debug/elf"
	"encoding/xml"
	"fmt"
	"go/format"
	"go/types"
	"html/template"
	"image/jpeg"
	"net/http"
	"net/rpc"
	"net/smtp"
	"os"
)

// Keeps the packages from being left out.
var kept = []any{
	sql.Open, elf.Open, xml.Unmarshal, format.Source, types.NewChecker, template.New, jpeg.Decode,
	http.ListenAndServe, rpc.Dial, smtp.SendMail,
}

func main() {
	if len(os.Args) > 100 {
		fmt.Println(kept...)
	}
	fmt.Println("started")
}
