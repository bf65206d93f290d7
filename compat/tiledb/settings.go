package tiledb

import (
	"cmp"
	"strings"

	"github.com/keyhatch/keyhatch/broker/places"
)

// setting is a storage setting as answers have it.
type setting struct {
	ID         string `json:"storage_setting_id"`
	Name       string `json:"name"`
	IsDefault  bool   `json:"is_default"`
	Path       string `json:"path"`
	Credential string `json:"credentials_name"`
	Invalid    bool   `json:"invalid"`
	Reason     string `json:"reason,omitempty"`
}

func encodeSetting(s places.Setting) setting {
	out := setting{ID: s.ID, Name: s.Name, IsDefault: s.Default, Path: strings.TrimSuffix(s.URL().String(), "/"), Credential: s.Credential}
	if s.Credential == "" {
		out.Invalid, out.Reason = true, "its credential was taken away: give it another one"
	}
	return out
}

// settingRequest is what creating and changing say of one. Some clients say too that
// it is to be tested, which does nothing: the path is tried when it is used.
type settingRequest struct {
	Name       *string `json:"name"`
	IsDefault  *bool   `json:"is_default"`
	Path       *string `json:"path"`
	Credential *string `json:"credentials_name"`
}

func (d *Door) listSettings(c *call) (any, error) {
	ws, teamspace, err := d.in(c)
	if err != nil {
		return nil, err
	}
	found, err := d.places.Settings(c.ctx, c.caller, ws.ID, teamspace)
	if err != nil {
		return nil, err
	}
	all := make([]setting, len(found))
	for i, s := range found {
		all[i] = encodeSetting(s)
	}
	return paged(c.query, all)
}

func (d *Door) getSetting(c *call) (any, error) {
	ws, teamspace, err := d.in(c)
	if err != nil {
		return nil, err
	}
	found, err := d.places.Setting(c.ctx, c.caller, ws.ID, teamspace, c.name)
	if err != nil {
		return nil, err
	}
	return data[setting]{encodeSetting(found)}, nil
}

func (d *Door) createSetting(c *call) (any, error) {
	ws, teamspace, err := d.in(c)
	if err != nil {
		return nil, err
	}
	r, err := decode[settingRequest](c)
	if err != nil {
		return nil, err
	}
	made, err := d.places.CreateSetting(c.ctx, c.caller, places.NewSetting{
		Workspace: ws.ID, Teamspace: teamspace, Name: value(r.Name), Path: value(r.Path), Credential: value(r.Credential),
		Default: *cmp.Or(r.IsDefault, new(false)),
	})
	if err != nil {
		return nil, err
	}
	return data[setting]{encodeSetting(made)}, nil
}

func (d *Door) updateSetting(c *call) (any, error) {
	ws, teamspace, err := d.in(c)
	if err != nil {
		return nil, err
	}
	r, err := decode[settingRequest](c)
	if err != nil {
		return nil, err
	}
	return nil, d.places.UpdateSetting(c.ctx, c.caller, ws.ID, teamspace, c.name,
		places.SettingChange{Path: r.Path, Name: r.Name, Default: r.IsDefault, Credential: r.Credential})
}

func (d *Door) deleteSetting(c *call) (any, error) {
	ws, teamspace, err := d.in(c)
	if err != nil {
		return nil, err
	}
	return nil, d.places.DeleteSetting(c.ctx, c.caller, ws.ID, teamspace, c.name)
}
