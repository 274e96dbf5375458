package main

import (
	"fmt"
	"time"

	"github.com/iotrace-xen/iotrace/store"
)

// sizeValue is the value of a flag that takes a size.
type sizeValue uint64

func (v *sizeValue) String() string { return store.FormatSize(uint64(*v)) }
func (v *sizeValue) Type() string   { return "SIZE" }

func (v *sizeValue) Set(s string) error {
	n, err := store.ParseSize(s)
	*v = sizeValue(n)
	return err
}

// timeValue is the value of a flag that takes a length of time, never negative.
type timeValue time.Duration

func (v *timeValue) String() string {
	if *v == 0 {
		return ""
	}
	return time.Duration(*v).String()
}

func (v *timeValue) Type() string { return "TIME" }

func (v *timeValue) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return fmt.Errorf("want a time such as 200us, 10s or 1m30s, got %q", s)
	}
	*v = timeValue(d)
	return nil
}

// ringValue is the value of --ring.
type ringValue store.Ring

func (v *ringValue) String() string { return store.Ring(*v).String() }
func (v *ringValue) Type() string   { return "files:N,size:SIZE,time:TIME" }

func (v *ringValue) Set(s string) error {
	r, err := store.ParseRing(s)
	*v = ringValue(r)
	return err
}
