"""Pages about who takes part: an organization's own, and finance's."""
