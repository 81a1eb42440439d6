using System.Text.Json;

namespace Workflow.Cloud.Local;

/// <summary>What a stand-in keeps: one JSON file in the data folder, one for all processes that share the folder, the same after a restart.</summary>
public sealed class LocalAwsState<TState>
    where TState : class, new()
{
    private readonly string _file;
    private readonly string _lock;
    private readonly TimeProvider _time;

    /// <param name="name">The file's name without its ending.</param>
    /// <param name="folder">Of the data folder, where the file is.</param>
    public LocalAwsState(string dataFolder, string name, TimeProvider time, string folder = "aws")
    {
        var place = Directory.CreateDirectory(Path.Combine(dataFolder, folder)).FullName;
        _file = Path.Combine(place, $"{name}.json");
        _lock = Path.Combine(place, $"{name}.lock");
        _time = time;
    }

    public async Task<TResult> ReadAsync<TResult>(Func<TState, TResult> read, CancellationToken cancellation)
    {
        using (await FileLock.TakeAsync(_lock, _time, cancellation))
        {
            return read(await LoadAsync(cancellation));
        }
    }

    /// <summary>Changes the state; where <paramref name="change"/> throws, nothing has changed.</summary>
    public async Task<TResult> UpdateAsync<TResult>(Func<TState, TResult> change, CancellationToken cancellation)
    {
        using (await FileLock.TakeAsync(_lock, _time, cancellation))
        {
            var state = await LoadAsync(cancellation);
            var result = change(state);
            await File.WriteAllBytesAsync($"{_file}.new", JsonSerializer.SerializeToUtf8Bytes(state, JsonSerializerOptions.Web), cancellation);
            File.Move($"{_file}.new", _file, overwrite: true);
            return result;
        }
    }

    private async Task<TState> LoadAsync(CancellationToken cancellation) =>
        File.Exists(_file) ? JsonSerializer.Deserialize<TState>(await File.ReadAllBytesAsync(_file, cancellation), JsonSerializerOptions.Web)! : new();
}
