package record

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/iotrace-xen/iotrace/format"
)

func TestZeroOptionsWork(t *testing.T) {
	o, err := Options{}.withDefaults()
	if err != nil || o.BufferBytes != defaultBuffer || o.SamplePeriod != defaultPeriod || o.Data.String() != "none" || o.Tier.String() != "auto" {
		t.Errorf("%+v %v", o, err)
	}
}

// checkRefused fails unless err refuses an option of that name, which one of the structures
// has.
func checkRefused(t *testing.T, err error, option string) {
	t.Helper()
	var bad *OptionError
	if !errors.Is(err, ErrOptions) || !errors.As(err, &bad) || bad.Option != option {
		t.Errorf("error %v, want an *OptionError about %s", err, option)
	}
	_, direct := reflect.TypeFor[Options]().FieldByName(option)
	_, chosen := reflect.TypeFor[format.Choice]().FieldByName(option)
	if !direct && !chosen {
		t.Errorf("there is no option %s", option)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	for _, c := range []struct {
		option string
		o      Options
	}{
		{"BufferBytes", Options{BufferBytes: 100}}, {"BufferBytes", Options{BufferBytes: maxBuffer + 1}},
		{"SamplePeriod", Options{SamplePeriod: time.Nanosecond}}, {"SamplePeriod", Options{SamplePeriod: time.Minute}},
		{"Tier", Options{Tier: 'E'}}, {"Data", Options{Data: 7}},
	} {
		_, err := c.o.withDefaults()
		checkRefused(t, err, c.option)
	}
	if o, err := (Options{BufferBytes: 100_000}).withDefaults(); err != nil || o.BufferBytes != 1<<17 {
		t.Errorf("%+v %v, want the next power of two", o, err)
	}
}
