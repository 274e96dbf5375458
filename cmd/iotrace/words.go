package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/iotrace-xen/iotrace/record"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A wordValue is the value of a flag that takes one of some words.
type wordValue[T ~string] struct {
	at    *T
	words []T
}

// oneOf returns the value of a flag that sets at, which holds the default.
func oneOf[T ~string](at *T, words ...T) *wordValue[T] { return &wordValue[T]{at, words} }

func (v *wordValue[T]) String() string {
	if v.at == nil {
		return ""
	}
	return string(*v.at)
}

func (v *wordValue[T]) Type() string { return strings.Join(v.strings(), "|") }

func (v *wordValue[T]) Set(s string) error {
	if !slices.Contains(v.words, T(s)) {
		return fmt.Errorf("want %s, got %q", listed(v.strings()), s)
	}
	*v.at = T(s)
	return nil
}

func (v *wordValue[T]) strings() []string {
	all := make([]string, len(v.words))
	for i, w := range v.words {
		all[i] = string(w)
	}
	return all
}

// listed is "a, b or c".
func listed(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// completeWords has shells complete the values of flags that take words.
func completeWords(cmd *cobra.Command) {
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if words := wordsOf(f); len(words) > 0 {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // each flag once
		}
	})
	for _, sub := range cmd.Commands() {
		completeWords(sub)
	}
}

func wordsOf(f *pflag.Flag) []string {
	switch f.Value.(type) {
	case *kindList:
		return kindNames()
	case *recordedKinds:
		return record.Kinds()
	}
	switch kind := f.Value.Type(); {
	case strings.Contains(kind, "|"):
		return strings.Split(kind, "|")
	case f.Name == "profile":
		return profileNames()
	}
	return nil
}

func profileNames() (names []string) {
	for _, p := range engine.Profiles() {
		names = append(names, p.String())
	}
	return names
}
