delete from bookmarks where pipeline = $1 and processed_at > $2
