package engine

import (
	"reflect"
	"testing"
)

// TestEveryFieldHasARow: a field of Profile that no row of the table sets would
// be a switch that nobody can look up.
func TestEveryFieldHasARow(t *testing.T) {
	names := map[string]bool{}
	set := map[int]string{}
	for _, s := range switches {
		if s.Name == "" || s.Doc == "" || s.Source == "" || names[s.Name] {
			t.Errorf("row %+v has no name, doc or source of its own", s)
		}
		names[s.Name] = true
		i := fieldOf(t, s)
		if set[i] != "" {
			t.Errorf("%s and %s set one field", set[i], s.Name)
		}
		set[i] = s.Name
	}
	for i := range reflect.TypeFor[Profile]().NumField() {
		if f := reflect.TypeFor[Profile]().Field(i); set[i] == "" && f.Name != "Release" && f.Name != "Paging" {
			t.Errorf("no row sets %s", f.Name)
		}
	}
}

// fieldOf finds the field that a row sets: the one that is not zero in some
// profile made of this row alone.
func fieldOf(t *testing.T, s Switch) int {
	t.Helper()
	field := -1
	for _, p := range Profiles() {
		only := Profile{Release: p.Release, Paging: p.Paging}
		s.set(&only)
		v := reflect.ValueOf(only)
		for i := 2; i < v.NumField(); i++ {
			if v.Field(i).IsZero() {
				continue
			}
			if field >= 0 && field != i {
				t.Errorf("%s sets two fields", s.Name)
			}
			field = i
		}
	}
	if field < 0 {
		t.Fatalf("%s sets nothing", s.Name)
	}
	return field
}

// TestHistoryTellsTheValues: the value of each profile is the last of its
// history that is not newer.
func TestHistoryTellsTheValues(t *testing.T) {
	for _, p := range Profiles() {
		for _, s := range switches {
			want := ""
			for _, h := range s.History(p.Paging) {
				if !p.Release.Before(h.Release) {
					want = h.Value
				}
			}
			if got := s.Value(p); got != want {
				t.Errorf("%v: %s is %s, its history says %s", p, s.Name, got, want)
			}
		}
	}
}
