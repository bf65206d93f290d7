package oauth

// AllowAtMost has a user let a program act so many times.
func (svc *Service) AllowAtMost(n int) { svc.mostOfClient = n }
