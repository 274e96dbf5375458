package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// configFlag is the name of the flag whose file has more flags.
const configFlag = "config"

// applyConfig sets flags from a TOML file of flag names and values. A flag that
// the command line gives stays as it is; an array gives a flag several times.
func applyConfig(cmd *cobra.Command, name string) error {
	if name == "" {
		return nil
	}
	var values map[string]any
	_, err := toml.DecodeFile(name, &values)
	var parse toml.ParseError
	if errors.As(err, &parse) {
		return usagef("%s:%d:%d: %s", name, parse.Position.Line, parse.Position.Col, parse.Message)
	}
	if err != nil {
		return usagef("%w", err)
	}
	given := map[string]bool{}
	cmd.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = true })
	for _, key := range slices.Sorted(maps.Keys(values)) { // so that the same file always has the same error
		if err := setFlag(cmd.Flags(), key, values[key], given[key]); err != nil {
			return usagef("%s: %w", name, err)
		}
	}
	return nil
}

func setFlag(flags *pflag.FlagSet, key string, value any, given bool) error {
	f := flags.Lookup(key)
	if f == nil || key == configFlag || key == "help" {
		return fmt.Errorf("%q is no flag that a file can set; keys are the long names of the command's flags", key)
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	if len(list) > 1 && !takesMany(f) {
		return fmt.Errorf("%s: want one value, got %v", key, list)
	}
	for _, v := range list {
		switch v.(type) {
		case string, bool, int64, float64:
		default:
			return fmt.Errorf("%s: want a string, a number, true, false or an array of these, got %v", key, v)
		}
		if given {
			continue
		}
		if err := flags.Set(key, fmt.Sprint(v)); err != nil {
			return fmt.Errorf("%s: %w", key, refusal(err))
		}
	}
	return nil
}

// takesMany says whether a flag may be given several times, each time for more.
func takesMany(f *pflag.Flag) bool {
	switch f.Value.(type) {
	case *triggerList, pflag.SliceValue:
		return true
	}
	return strings.HasSuffix(f.Value.Type(), ",...") // as lists have it
}
