package format

// match sorts events from a place on, up to the first whose shape is not at hand,
// and returns the place of that, and the time of the one before. All of an event is
// looked at while it is in the nearest cache: a few words if its kind has no more,
// which half of all events are.
func (x *sorter) match(events []Event, from int, time uint64) (next int, last uint64) {
	numbers, steps := x.numbers[:len(events)], x.steps[:len(events)]
	for i := from; i < len(events); i++ {
		e := &events[i]
		k, tag := &x.kinds[e.Kind], e.tag()
		var n uint8
		var unlike uint64
		if k.short && e.beyond() == 0 {
			n = x.latest[guessOf(k.front(e, tag))]
			unlike = k.unlikeFront(e, &x.firsts[n], tag^x.tags[n])
		} else {
			n = x.latest[guessOf(k.front(e, tag)+k.middle(e))]
			first := &x.firsts[n]
			unlike = k.unlikeFront(e, first, tag^x.tags[n]) | k.unlikeMiddle(e, first) | k.unlikeBack(e, first)
		}
		if unlike != 0 && !x.learn(e, n) {
			return i, time
		}
		x.shapes[n].count++
		numbers[i] = n
		steps[i], time = e.Time-time, e.Time
	}
	return len(events), time
}

// beyond returns which bits there are beyond the first two words.
func (e *Event) beyond() uint64 { return e.W[2] | e.W[3] | e.W[4] | e.W[5] | e.W[6] | e.W[7] }

// front, middle and back are parts of a sum of products of e's keys, which a
// processor works out side by side, with factors that fit into its instructions;
// each is small enough to need no call. The middle has the word in which requests
// have their size.
func (k *kindShapes) front(e *Event, tag uint64) uint64 {
	return (tag&k.keys[laneIDs])*0x3c6ef373 + (e.W[0]&k.keys[0])*0x5bd1e995 + (e.W[1]&k.keys[1])*0x2c1b3c6d
}

func (k *kindShapes) middle(e *Event) uint64 {
	return (e.W[2]&k.keys[2])*0x297a2d39 + (e.W[3]&k.keys[3])*0x7feb352d + (e.W[4]&k.keys[4])*0x68e31da5 + (e.W[6]&k.keys[6])*0x31848bab
}

func (k *kindShapes) back(e *Event) uint64 {
	return (e.W[5]&k.keys[5])*0x1b56c4e9 + (e.W[7]&k.keys[7])*0x45d9f3b5
}

// guessOf returns where latest has the shape of an event with such a sum, of front
// and middle: keys are seldom in the other words, and a wrong guess costs time only.
func guessOf(sum uint64) uint64 { return sum * 0x9e3779b97f4a7c15 >> (64 - latestBits) }

// unlikeFront, unlikeMiddle and unlikeBack return in which bits e differs from the
// first event of a shape that no two events of one shape have differed in.
func (k *kindShapes) unlikeFront(e, first *Event, tags uint64) uint64 {
	return tags&k.same[laneIDs] | (e.W[0]^first.W[0])&k.same[0] | (e.W[1]^first.W[1])&k.same[1]
}

func (k *kindShapes) unlikeMiddle(e, first *Event) uint64 {
	return (e.W[2]^first.W[2])&k.same[2] | (e.W[3]^first.W[3])&k.same[3] | (e.W[4]^first.W[4])&k.same[4]
}

func (k *kindShapes) unlikeBack(e, first *Event) uint64 {
	return (e.W[5]^first.W[5])&k.same[5] | (e.W[6]^first.W[6])&k.same[6] | (e.W[7]^first.W[7])&k.same[7]
}

// learn notes in which bits more e differs from the first event of shape n. It is
// false if e is of another shape.
func (x *sorter) learn(e *Event, n uint8) bool {
	k, first := &x.kinds[e.Kind], &x.firsts[n]
	if (e.tag()^x.tags[n])&kindBits != 0 || !k.alike(e, first) {
		return false
	}
	k.differ(e, first)
	return true
}

// alike says whether two events have the same keys.
func (k *kindShapes) alike(e, first *Event) bool {
	unlike := (e.ids() ^ first.ids()) & k.keys[laneIDs]
	for n, w := range e.W {
		unlike |= (w ^ first.W[n]) & k.keys[n]
	}
	return unlike == 0
}

// differ notes in which bits e differs from the first event of its shape.
func (k *kindShapes) differ(e, first *Event) {
	for n, w := range e.W {
		k.within[n] |= w ^ first.W[n]
		k.same[n] = ^k.within[n]
	}
	k.within[laneIDs] |= e.ids() ^ first.ids()
	k.same[laneIDs] = ^k.within[laneIDs]
}

// look has the shape of the event at a place at hand, which is added if there is
// none with its hash. Where hashes agree though the keys do not, somebody wants that:
// the kind gets no keys.
func (x *sorter) look(events []Event, at int) {
	e := &events[at]
	k := &x.kinds[e.Kind]
	for {
		n := x.table[x.find(events, at)].number
		if k.alike(e, &x.firsts[n]) {
			sum := k.front(e, e.tag())
			if !k.short || e.beyond() != 0 {
				sum += k.middle(e)
			}
			x.latest[guessOf(sum)] = n
			return
		}
		k.dropKeys()
		x.merge(at)
	}
}

// find returns where the table has the shape of the event at a place.
func (x *sorter) find(events []Event, at int) (place uint64) {
	e := &events[at]
	hash := x.kinds[e.Kind].hash(e)
	for place = hash >> 55; x.table[place].hash != hash; place = (place + 1) % tableSize {
		if x.table[place].hash == 0 {
			return x.add(events, at)
		}
	}
	return place
}

// hash returns a hash of e's keys whose low byte is the kind, so that kinds never
// share one and it is not 0.
func (k *kindShapes) hash(e *Event) uint64 {
	sum := k.front(e, e.tag()) + k.middle(e) + k.back(e)
	return (sum^sum>>32)*0x9e3779b97f4a7c15&^0xff | uint64(e.Kind)
}
