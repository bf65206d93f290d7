package audit

import (
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// Checkpoint is the detail of an event that says how far other chains had come. It is linked
// like any other event, so a chain cannot be put back to an earlier state, with the head of
// that time, unless all are whose checkpoints saw it later.
func Checkpoint(heads []Head) map[string]string {
	detail := map[string]string{}
	for _, h := range heads {
		detail[h.Chain] = fmt.Sprintf("%d %s", h.Seq, h.Hash)
	}
	return detail
}

// seen is what checkpoints say of chains: the hashes of their events, by number.
type seen map[string]map[int64]keyhatch.Hash

// readCheckpoints reads the events of checkpoints. One that says nothing that can be read is
// no longer what was written, which is found where it stands in its chain.
func readCheckpoints(events iter.Seq2[keyhatch.Event, error]) (seen, error) {
	s := seen{}
	for e, err := range events {
		if err != nil {
			return nil, err
		}
		for chain, text := range e.Detail {
			number, hash, _ := strings.Cut(text, " ")
			seq, err := strconv.ParseInt(number, 10, 64)
			if err != nil {
				continue
			}
			h, err := hex.DecodeString(hash)
			if err != nil {
				continue
			}
			if s[chain] == nil {
				s[chain] = map[int64]keyhatch.Hash{}
			}
			s[chain][seq] = h
		}
	}
	return s, nil
}

// event takes away what the event is as it was seen.
func (s seen) event(e keyhatch.Event) {
	if h, ok := s[e.Chain][e.Seq]; ok && equal(h, e.Hash) {
		delete(s[e.Chain], e.Seq)
	}
}

// checkSeen finds the chains that are not any more what checkpoints have seen, and of which
// nothing else tells.
func (v *verifier) checkSeen() {
	for _, f := range v.report.Findings {
		delete(v.seen, f.Chain)
	}
	for chain, left := range v.seen {
		if len(left) == 0 {
			continue
		}
		var numbers []int64
		for seq := range left {
			numbers = append(numbers, seq)
		}
		v.find(Finding{Problem: PutBack, Chain: chain, Seq: slices.Min(numbers), To: slices.Max(numbers), Note: "checkpoints of other chains saw events that are there no more"})
	}
}
