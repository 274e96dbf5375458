package record

import (
	"errors"
	"testing"
	"time"
)

func TestZeroOptionsWork(t *testing.T) {
	o, err := Options{}.withDefaults()
	if err != nil || o.BufferBytes != defaultBuffer || o.SamplePeriod != defaultPeriod || o.Data.String() != "none" || o.Tier.String() != "auto" {
		t.Errorf("%+v %v", o, err)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	for _, o := range []Options{
		{BufferBytes: 100}, {BufferBytes: maxBuffer + 1}, {SamplePeriod: time.Nanosecond}, {SamplePeriod: time.Minute},
		{Tier: 'E'}, {Data: 7},
	} {
		if _, err := o.withDefaults(); !errors.Is(err, ErrOptions) {
			t.Errorf("%+v: error %v, want ErrOptions", o, err)
		}
	}
	if o, err := (Options{BufferBytes: 100_000}).withDefaults(); err != nil || o.BufferBytes != 1<<17 {
		t.Errorf("%+v %v, want the next power of two", o, err)
	}
}
