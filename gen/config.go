package gen

import (
	"fmt"

	"github.com/iotrace-xen/iotrace/engine"
)

// Config says what a session is like. Only Events must be set: every other zero
// value stands for the default that its comment names.
type Config struct {
	Events  uint64         // exactly so many, at least 1
	Seed    uint64         // of all chance; 0 is a seed like others
	Domains int            // places for domains at a time; 2
	Plain   int            // how many of them have no mediator; 0
	VCPUs   int            // of each domain; 2
	Xen     engine.Release // 4.17
	Paging  engine.Paging  // NPT
	Mix     Mix            // DefaultMix
	Rate    uint64         // events a second of trace time, all domains together; 50000
	Churn   uint64         // pages that each mediator types a second; a hundredth of a domain's rate
	Life    uint64         // events that a domain lives on average; an eighth of Events, from 5000 to 1000000
	Writer  string         // Header.Writer; "iotrace gen"
}

// The limits of a Config.
const (
	maxDomains = 1024
	maxVCPUs   = 128 // SlotsPerPage
	minRate    = 10
	maxRate    = 10_000_000
	minLife    = 2000
	callEvents = 4 // of a page's typing and its turning back
)

// withDefaults fills in what c leaves open.
func (c Config) withDefaults() Config {
	c.Domains = or(c.Domains, 2)
	c.VCPUs = or(c.VCPUs, 2)
	c.Xen = or(c.Xen, engine.Release{Major: 4, Minor: 17})
	c.Paging = or(c.Paging, engine.NPT)
	c.Mix = or(c.Mix, DefaultMix)
	c.Rate = or(c.Rate, 50_000)
	c.Life = or(c.Life, min(max(c.Events/8, 5000), 1_000_000))
	c.Writer = or(c.Writer, "iotrace gen")
	if c.Churn == 0 && c.Mix.PageTable > 0 && c.Domains > 0 {
		c.Churn = max(c.Rate/uint64(c.Domains)/100, 1)
	}
	return c
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// check says why no session can be like c.
func (c *Config) check() error {
	plain := c.Mix
	plain.PageTable = 0
	switch {
	case c.Events == 0:
		return fmt.Errorf("events: want at least 1")
	case c.Domains < 1 || c.Domains > maxDomains:
		return fmt.Errorf("domains: want 1 to %d, got %d", maxDomains, c.Domains)
	case c.Plain < 0 || c.Plain > c.Domains:
		return fmt.Errorf("plain: want 0 to %d, the number of domains, got %d", c.Domains, c.Plain)
	case c.VCPUs < 1 || c.VCPUs > maxVCPUs:
		return fmt.Errorf("vcpus: want 1 to %d, got %d", maxVCPUs, c.VCPUs)
	case c.Rate < minRate || c.Rate > maxRate:
		return fmt.Errorf("rate: want %d to %d events a second, got %d", minRate, maxRate, c.Rate)
	case c.Life < minLife:
		return fmt.Errorf("life: want at least %d events, got %d", minLife, c.Life)
	case c.Plain > 0 && plain == Mix{}:
		return fmt.Errorf("mix %v: domains without a mediator have nothing to do; add boot, vga, pci or mmio", c.Mix)
	case c.Churn > c.Rate || callEvents*c.Churn*uint64(c.Domains-c.Plain) > c.Rate:
		return fmt.Errorf("churn: %d pages a second take %d events each in %d domains, more than the rate of %d",
			c.Churn, callEvents, c.Domains-c.Plain, c.Rate)
	}
	return c.Mix.check()
}
