using System.Collections.Concurrent;

namespace Workflow.Data.DuckDb;

/// <summary>One DuckDB database, in memory or in a file. Safe to share; each thread takes a connection of its own.</summary>
public sealed unsafe class DuckDbDatabase : IDisposable
{
    // DuckDB does not notice a second handle on one file within a process, and both then write the same blocks.
    private static readonly ConcurrentDictionary<string, bool> OpenFiles = new();

    private readonly DatabaseHandle _handle;
    private readonly string? _file;

    private DuckDbDatabase(DatabaseHandle handle, string? file)
    {
        _handle = handle;
        _file = file;
    }

    /// <summary>The version of the library, such as <c>v1.5.6</c>.</summary>
    public static string LibraryVersion => NativeMethods.Text(NativeMethods.duckdb_library_version());

    /// <summary>Whether <see cref="Lock"/> was called.</summary>
    public bool IsLocked { get; private set; }

    /// <exception cref="DuckDbException">A setting is refused, the file is no database, or is open already.</exception>
    public static DuckDbDatabase Open(DuckDbSettings settings)
    {
        var file = settings.Path is null ? null : Path.GetFullPath(settings.Path);
        if (file is not null && !OpenFiles.TryAdd(file, true))
        {
            throw new DuckDbException($"The database file {file} is already open in this process; share that database instead.");
        }

        try
        {
            return new(OpenHandle(file ?? ":memory:", settings), file);
        }
        catch
        {
            Forget(file);
            throw;
        }
    }

    /// <summary>Opens a connection: for one thread at a time.</summary>
    public DuckDbConnection Connect()
    {
        if (NativeMethods.duckdb_connect(_handle, out var connection) != 0)
        {
            connection.Dispose();
            throw new DuckDbException($"No connection to the database {_file ?? "in memory"} could be opened.");
        }

        // The settings of a session are settings, too.
        return new(connection, withProgress: !IsLocked);
    }

    /// <summary>
    /// Shuts the database in for SQL that others wrote: from now on, and for good, no statement reaches a file outside the folder,
    /// attaches a database, loads an extension or changes a setting. Times without a zone are in UTC, wherever this runs.
    /// </summary>
    public void Lock(string folder)
    {
        using var connection = Connect();
        connection.Execute(SqlText.Read("DuckDb/lock.sql", ("folder", SqlText.Literal(Path.GetFullPath(folder)))), CancellationToken.None);
        IsLocked = true;
    }

    public void Dispose()
    {
        if (!_handle.IsClosed)
        {
            _handle.Dispose();
            Forget(_file);
        }
    }

    private static DatabaseHandle OpenHandle(string path, DuckDbSettings settings)
    {
        if (NativeMethods.duckdb_create_config(out var config) != 0)
        {
            throw new DuckDbException("DuckDB has no memory for its configuration.");
        }

        try
        {
            foreach (var (name, value) in settings.Options())
            {
                if (NativeMethods.duckdb_set_config(config, name, value) != 0)
                {
                    throw new DuckDbException($"DuckDB does not take the setting {name} = '{value}'.");
                }
            }

            if (NativeMethods.duckdb_open_ext(path, out var handle, config, out var error) != 0)
            {
                handle.Dispose();
                throw new DuckDbException($"The database {path} does not open: {NativeMethods.TakeText(error)}");
            }

            return handle;
        }
        finally
        {
            NativeMethods.duckdb_destroy_config(ref config);
        }
    }

    private static void Forget(string? file)
    {
        if (file is not null)
        {
            OpenFiles.TryRemove(file, out _);
        }
    }
}
