"""AWS on this machine: the template, transformed and deployed to moto; functions as processes."""
