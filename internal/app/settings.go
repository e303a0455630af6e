package app

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"entregas/contracts"
)

// CheckWaits returns an error for each duration in the settings cfg, a pointer to a struct, that is negative or longer than
// contracts.LongestWait. The pauses of a list count together: they follow each other.
func CheckWaits(cfg any) error {
	return checkWaits(reflect.ValueOf(cfg).Elem())
}

func checkWaits(settings reflect.Value) (err error) {
	for i := range settings.NumField() {
		field := settings.Type().Field(i)
		if field.Type.Kind() == reflect.Struct {
			err = errors.Join(err, checkWaits(settings.Field(i)))
			continue
		}
		var least, total time.Duration
		switch v := settings.Field(i).Interface().(type) {
		case time.Duration:
			least, total = v, v
		case []time.Duration:
			for _, pause := range v {
				least = min(least, pause)
				total = min(total+min(pause, contracts.LongestWait+1), contracts.LongestWait+1) // without an overflow
			}
		default:
			continue
		}
		if least < 0 || total > contracts.LongestWait {
			err = errors.Join(err, fmt.Errorf("%s must be from 0 to %s: what waits longer may be forgotten before (docs/adr/everything-has-a-limit.md)",
				variableOf(field), contracts.LongestWait))
		}
	}
	return err
}

// variableOf returns the environment variable of a setting.
func variableOf(field reflect.StructField) string {
	for part := range strings.SplitSeq(field.Tag.Get("conf"), ",") {
		if name, found := strings.CutPrefix(part, "env:"); found {
			return name
		}
	}
	return field.Name
}
