package main

import "github.com/iotrace-xen/iotrace/store"

// sizeValue is the value of a flag that takes a size.
type sizeValue uint64

func (v *sizeValue) String() string { return store.FormatSize(uint64(*v)) }
func (v *sizeValue) Type() string   { return "SIZE" }

func (v *sizeValue) Set(s string) error {
	n, err := store.ParseSize(s)
	*v = sizeValue(n)
	return err
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
