"""Every form of the site with bad input: a field wrong, sent twice, in two tabs, after the session is gone."""
