package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A numberList is the value of a flag that takes ids; nil has all.
type numberList[N ~uint16 | ~uint32] []N

func (l *numberList[N]) String() string {
	all := make([]string, len(*l))
	for i, n := range *l {
		all[i] = strconv.FormatUint(uint64(n), 10)
	}
	return strings.Join(all, ",")
}

func (l *numberList[N]) Type() string { return "N,..." }

// Set adds the numbers of a comma list.
func (l *numberList[N]) Set(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		v, err := strconv.ParseUint(part, 10, 64)
		if err != nil || v > uint64(^N(0)) {
			return fmt.Errorf("want numbers up to %d with commas between them, got %q", ^N(0), s)
		}
		*l = append(*l, N(v))
	}
	return nil
}

func (l numberList[N]) has(n N) bool { return l == nil || slices.Contains(l, n) }
