package provena

func (d *Door) health(*call) (any, error) {
	return struct {
		Message string `json:"message"`
	}{"Health check successful."}, nil
}

// access is who calls. Nobody is shown the token again.
type access struct {
	Username    string   `json:"username"`
	Email       string   `json:"email"`
	Roles       []string `json:"roles"`
	AccessToken string   `json:"access_token"`
}

// checkAccess tells who calls the route, whose roles were looked at before. A token of
// Keyhatch has none: it is told those that its calls are held to.
func (d *Door) checkAccess(c *call) (any, error) {
	u := c.caller.User
	roles := append([]string{}, c.caller.Roles...)
	if c.caller.Token.Bearer.Issuer == "" {
		roles = []string{reads, writes}
		if u.Admin {
			roles = append(roles, oversees)
		}
	}
	return access{Username: u.Name, Email: u.Email, Roles: roles}, nil
}
