package engine

import "github.com/iotrace-xen/iotrace/xen"

// LifeEvent is something that happens to all of a domain.
type LifeEvent uint8

// The events of a domain's life.
const (
	LifeUnpause  LifeEvent = iota + 1 // its builder lets it run for the first time
	LifeShutdown                      // it begins to shut down or suspend: nothing is sent any more
	LifeResume                        // it goes on after that
	LifeTeardown                      // it is dying: hvm_domain_relinquish_resources
	numLifeEvents
)

// life steps one of them.
func (d *Domain) live(l LifeEvent) {
	switch l {
	case LifeUnpause:
		d.built = Yes
	case LifeShutdown:
		d.down = true
	case LifeResume:
		d.down = false
	case LifeTeardown:
		d.teardown()
	}
}

// teardown is ioreq_server_destroy_all: every server goes, without a p2m write.
// The claim stays in the p2m, which goes with the domain.
func (d *Domain) teardown() {
	for p := range d.servers {
		d.servers[p].gone()
	}
	clear(d.slots[:])
	d.others, d.dying = No, true
	d.pool = pool{sized: d.pool.sized, size: d.pool.size, based: d.pool.based, base: d.pool.base}
	if d.claim.held != No {
		d.claim.holder = xen.NoServer
	}
	d.routes.outdate()
}
