"""What every command needs that is not about paths: command lines, pages, pictures, threads."""
