package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/iotrace-xen/iotrace/engine"
	"github.com/spf13/cobra"
)

func profilesCommand() *cobra.Command {
	out := formatText
	cmd := &cobra.Command{
		Use:   "profiles [PROFILE...]",
		Short: "Print what the model of Xen knows of each release",
		Long: `profiles prints the table behind replay --profile: everything that releases of
Xen do differently and a replay heeds, with its source. §n is a section of the
project's specification of Xen's semantics; the rest names functions and commits
of Xen. Each value holds from the release before it on. With profiles named, as in
xen-4.17/npt, it prints their values alone.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var chosen []engine.Profile
			for _, arg := range args {
				p, err := engine.ParseProfile(arg)
				if err != nil {
					return usagef("%w", err)
				}
				chosen = append(chosen, p)
			}
			return printProfiles(cmd.OutOrStdout(), chosen, out)
		},
	}
	cmd.Flags().Var(formatValue(&out), "format", "how to print it")
	return cmd
}

func printProfiles(w io.Writer, chosen []engine.Profile, f outFormat) error {
	if f != formatText {
		return printProfilesJSON(w, chosen, f)
	}
	for _, s := range engine.Switches() {
		if _, err := fmt.Fprintf(w, "%s: %s\n  %s [%s]\n", s.Name, valuesText(&s, chosen), s.Doc, s.Source); err != nil {
			return err
		}
		if s.Unasked == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "  information only: %s\n", s.Unasked); err != nil {
			return err
		}
	}
	return nil
}

// valuesText is "4.5 no, 4.9 yes", once for each kind of paging if they differ;
// or the values of the chosen profiles.
func valuesText(s *engine.Switch, chosen []engine.Profile) string {
	if chosen != nil {
		var values []string
		for _, p := range chosen {
			values = append(values, s.Value(p))
		}
		return strings.Join(values, ", ")
	}
	npt, ept := historyText(s, engine.NPT), historyText(s, engine.EPT)
	if npt == ept {
		return npt
	}
	return fmt.Sprintf("%v %s; %v %s", engine.NPT, npt, engine.EPT, ept)
}

func historyText(s *engine.Switch, on engine.Paging) string {
	var values []string
	for _, since := range s.History(on) {
		values = append(values, since.Release.String()+" "+since.Value)
	}
	return strings.Join(values, ", ")
}

// profilesJSON is the table as JSON: profiles by name, their values by switch.
type profilesJSON struct {
	Switches []switchJSON                 `json:"switches"`
	Profiles map[string]map[string]string `json:"profiles"`
}

type switchJSON struct {
	Name   string `json:"name"`
	Doc    string `json:"doc"`
	Source string `json:"source"`
	// Unasked says why nothing in the model hangs on it.
	Unasked string `json:"unasked,omitempty"`
}

func printProfilesJSON(w io.Writer, chosen []engine.Profile, f outFormat) error {
	if chosen == nil {
		chosen = engine.Profiles()
	}
	v := profilesJSON{Profiles: map[string]map[string]string{}}
	for _, p := range chosen {
		v.Profiles[p.String()] = map[string]string{}
	}
	for _, s := range engine.Switches() {
		v.Switches = append(v.Switches, switchJSON{s.Name, s.Doc, s.Source, s.Unasked})
		for _, p := range chosen {
			v.Profiles[p.String()][s.Name] = s.Value(p)
		}
	}
	return printJSON(w, v, f)
}
