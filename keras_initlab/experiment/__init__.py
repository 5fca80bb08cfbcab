"""`compare`: arguments in, result out."""
