package engine

// CPU is what Config says about the processor as the guest sees it, as far as
// routing depends on it. Zero values are not known.
type CPU struct {
	// Family is the CPUID family of an AMD processor.
	Family uint8
	// ExtendedConfig is bit 46 of host MSR 0xc001001f (NB_CFG).
	ExtendedConfig Tri
}

// extendedCF8 says whether CF8's bits 27:24 are part of a register number
// (hvm_pci_decode_addr and its ancestors). NPT stands for AMD's processors and
// EPT for Intel's.
func (c *Config) extendedCF8() Tri {
	rule := c.Profile.CF8
	switch {
	case rule.Always:
		return Yes
	case c.Profile.Paging == EPT, c.CPU.ExtendedConfig == No:
		return No
	case c.CPU.Family == 0:
		return Maybe
	case c.CPU.Family < rule.First || c.CPU.Family > rule.Last:
		return No
	}
	return c.CPU.ExtendedConfig
}
