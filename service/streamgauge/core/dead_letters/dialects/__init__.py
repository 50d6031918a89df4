"""One module for each dialect: by what it is known, and what each of its headers says."""
