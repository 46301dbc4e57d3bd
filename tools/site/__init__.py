"""Makes the pages of the documentation's site (`tools.build_site`)."""
