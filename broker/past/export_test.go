package past

// MaxReplays is how many run at a time.
const MaxReplays = maxReplays

// Occupy takes a place among the replays.
func (svc *Service) Occupy() (leave func()) {
	svc.replays <- struct{}{}
	return func() { <-svc.replays }
}
