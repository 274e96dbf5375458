package main

import (
	"encoding/json"
	"io"
)

// printJSON writes v as one object: indented for json, on one line for jsonl.
func printJSON(w io.Writer, v any, f outFormat) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if f == formatJSON {
		enc.SetIndent("", "  ")
	}
	return enc.Encode(v)
}
