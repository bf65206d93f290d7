package conformance

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
)

// made is a secret that the server made and shows this once.
func (c *canaries) made(what, field string, answer []byte) string {
	c.t.Helper()
	var shown map[string]any
	if err := json.Unmarshal(answer, &shown); err != nil {
		c.t.Fatal(err)
	}
	secret, _ := shown[field].(string)
	if len(secret) < 20 {
		c.t.Fatalf("%s: %s has no %s", what, answer, field)
	}
	return c.note(what, secret)
}

// people has secrets of people go to and fro: of tokens, of passwords in bodies and in
// Basic, those that are right and those that are wrong, of resets; and an external id
// that the server makes.
func (c *canaries) people() {
	c.t.Helper()
	c.made("token", "secret", c.send(201, "POST", "/api/v1/tokens", map[string]any{"name": "made"}))
	c.made("external id", "external_id", c.send(201, "POST", "/api/v1/credentials?workspace=lab",
		map[string]any{"name": "without", "aws_role": map[string]any{"role_arn": "arn:aws:iam::123456789012:role/without"}}))

	create(c.t, c.s, "/api/v1/users", map[string]any{"name": "ann"})
	const nobody, reset, login = "", "/api/v1/login/password", "/api/v1/login"
	c.made("reset before", "secret", c.send(201, "POST", "/api/v1/users/ann/password-reset"))
	secret := c.made("reset", "secret", c.send(201, "POST", "/api/v1/users/ann/password-reset"))
	password := c.canary("password")
	c.sendAs(nobody, 422, "POST", reset, map[string]any{"reset": secret, "password": c.note("short password", rand.Text()[:14])})
	c.sendAs(nobody, 204, "POST", reset, map[string]any{"reset": secret, "password": password})
	c.sendAs(nobody, 401, "POST", reset, map[string]any{"reset": secret, "password": c.canary("password of a used reset")})
	c.sendAs(nobody, 401, "POST", reset, map[string]any{"reset": "khr_" + c.note("no reset", rand.Text()+rand.Text()[:23]), "password": c.canary("password of no reset")})

	c.sendAs(nobody, 401, "POST", login, map[string]any{"user": "ann", "password": c.canary("wrong password")})
	c.sendAs(nobody, 401, "POST", login, map[string]any{"user": c.canary("password for a name"), "password": c.canary("wrong password")})
	c.sendAs(nobody, 422, "POST", login, map[string]any{"user": "ann", "password": password, "colour": c.canary("colour")})
	token := c.made("login", "secret", c.sendAs(nobody, 201, "POST", login, map[string]any{"user": "ann", "password": password}))

	basic := func(password string) string {
		text := base64.StdEncoding.EncodeToString([]byte("ann:" + password))
		c.note("Basic", text)
		return "Basic " + text
	}
	c.sendAs(basic(password), 200, "GET", "/v4/users/self")
	c.sendAs(basic(c.canary("Basic's wrong password")), 401, "GET", "/v4/users/self")
	c.sendAs(basic(password), 401, "GET", "/api/v1/users")
	c.sendAs("Basic "+c.canary("no Basic"), 401, "GET", "/v4/users/self")

	const own = "/api/v1/users/ann/password"
	c.sendAs("Bearer "+token, 403, "PUT", own, map[string]any{"current_password": c.canary("wrong current"), "password": c.canary("next password")})
	c.sendAs("Bearer "+token, 204, "PUT", own, map[string]any{"current_password": password, "password": c.canary("second password")})
	c.sendAs(basic(password), 401, "GET", "/v4/users/self")
	c.send(204, "DELETE", own)
}
