package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// anyNumber is the most operands that a command may take.
const anyNumber = math.MaxInt

// takes checks that a command is given from least to most operands.
func takes(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if least <= len(args) && len(args) <= most {
			return nil
		}
		return fmt.Errorf("want '%s', got %s", cmd.UseLine(), quoted(args))
	}
}

func quoted(args []string) string {
	if len(args) == 0 {
		return "nothing"
	}
	all := make([]string, len(args))
	for i, a := range args {
		all[i] = strconv.Quote(a)
	}
	return strings.Join(all, ", ")
}

// knownCommand refuses the name of a command that there is not.
func knownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	like := ""
	if names := cmd.SuggestionsFor(args[0]); len(names) > 0 {
		like = "; did you mean " + strings.Join(names, " or ") + "?"
	}
	return fmt.Errorf("no command is called '%s %s'%s", cmd.CommandPath(), args[0], like)
}

// refuseUnknown has cobra's own commands, which take any word, take only those
// that there are.
func refuseUnknown(cmd *cobra.Command) {
	switch cmd.Name() {
	case "completion":
		cmd.Args, cmd.RunE = knownCommand, func(c *cobra.Command, _ []string) error { return c.Help() }
	case "help":
		cmd.Args = func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil {
				return err
			}
			return knownCommand(about, rest)
		}
	}
}

// flagError says what is wrong about a flag.
func flagError(cmd *cobra.Command, err error) error {
	var value *pflag.InvalidValueError
	if errors.As(err, &value) {
		err = fmt.Errorf("--%s: %w", value.GetFlag().Name, refusal(err))
	}
	return usageError(cmd, err)
}

// refusal is why a flag does not take a value. Where a number's or bool's parser speaks
// of its own functions, it says what there may be.
func refusal(err error) error {
	var value *pflag.InvalidValueError
	if !errors.As(err, &value) {
		return err
	}
	var number *strconv.NumError
	if errors.As(err, &number) {
		return fmt.Errorf("want %s, got %q", valueOf(value.GetFlag().Value.Type()), value.GetValue())
	}
	return value.Unwrap()
}

// valueOf says what a flag of a type of pflag's takes.
func valueOf(kind string) string {
	switch {
	case kind == "bool":
		return "true or false"
	case strings.HasPrefix(kind, "uint"):
		return "a whole number from 0"
	}
	return "a whole number"
}
