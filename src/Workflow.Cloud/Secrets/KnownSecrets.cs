using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;

namespace Workflow.Cloud.Secrets;

/// <summary>
/// The secret values that this process has seen, so that each text that leaves it (a log, a failure in the history, a message) can be
/// freed of them. Values shorter than <see cref="Shortest"/> are not masked: they would be found in every other word.
/// </summary>
public sealed class KnownSecrets(TimeProvider time)
{
    /// <summary>Stands where a secret stood.</summary>
    public const string Mask = "***";

    public const int Shortest = 6;

    /// <summary>A line of a key, or the path of an address, is a secret by itself if it has so many characters.</summary>
    private const int ShortestPart = 16;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, DateTimeOffset> _values = [];
    private volatile Forms _forms = Forms.None;

    /// <param name="until">When it opens nothing any more and may be forgotten; null for never.</param>
    public void Learn(string? value, DateTimeOffset? until = null)
    {
        if (value is not null)
        {
            Learn([value], until ?? DateTimeOffset.MaxValue);
        }
    }

    /// <summary>Learns what a secret holds, but for the fields that only say where something is (<see cref="Secret.Hidden"/>).</summary>
    public void Learn(Secret secret) => Learn(secret.Hidden, DateTimeOffset.MaxValue);

    /// <summary>The text with <see cref="Mask"/> where it has a known value, as it is or as JSON or a URL writes it.</summary>
    public string Hide(string text) => _forms.Hide(text);

    /// <summary>Whether <see cref="Hide"/> would change the text.</summary>
    public bool Has(string text) => _forms.Find(text) >= 0;

    private void Learn(IEnumerable<string> values, DateTimeOffset until)
    {
        lock (_lock)
        {
            var grown = false;
            foreach (var value in values.SelectMany(Parts))
            {
                grown |= _values.TryAdd(value, until);
                _values[value] = _values[value] < until ? until : _values[value];
            }

            if (grown)
            {
                var now = time.GetUtcNow();
                foreach (var (ended, _) in _values.Where(value => value.Value < now).ToArray())
                {
                    _values.Remove(ended);
                }

                _forms = new([.. _values.Keys.SelectMany(Written).Distinct()]);
            }
        }
    }

    /// <summary>The value, and what of it may be shown without the rest.</summary>
    private static IEnumerable<string> Parts(string value)
    {
        if (value.Trim() is not { Length: >= Shortest } whole)
        {
            yield break;
        }

        yield return whole;
        if (Uri.TryCreate(whole, UriKind.Absolute, out var address) && !address.IsFile)
        {
            yield return address.AbsoluteUri;
            if (address.PathAndQuery.Length >= ShortestPart)
            {
                yield return address.PathAndQuery;
            }
        }
        else if (whole.Contains('\n', StringComparison.Ordinal))
        {
            foreach (var line in whole.Split('\n', StringSplitOptions.TrimEntries).Where(line => line.Length >= ShortestPart && !line.StartsWith("-----", StringComparison.Ordinal)))
            {
                yield return line;
            }
        }
    }

    private static IEnumerable<string> Written(string value) =>
    [
        value, JavaScriptEncoder.Default.Encode(value), JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(value), Uri.EscapeDataString(value), WebUtility.UrlEncode(value), Shown(value),
    ];

    /// <summary>As an address shows it to people, which takes back some of the escapes.</summary>
    private static string Shown(string value)
    {
        const string Before = "https://x/?";
        return new Uri(Before + Uri.EscapeDataString(value)).ToString()[Before.Length..];
    }

    /// <summary>Every way a known value may be written, ready to be searched for all at once.</summary>
    private sealed class Forms(string[] forms)
    {
        public static readonly Forms None = new([]);

        private readonly string[] _longestFirst = [.. forms.OrderByDescending(form => form.Length)];
        private readonly SearchValues<string> _search = SearchValues.Create(forms, StringComparison.Ordinal);

        public int Find(ReadOnlySpan<char> text) => _longestFirst.Length == 0 ? -1 : text.IndexOfAny(_search);

        public string Hide(string text)
        {
            var from = 0;
            StringBuilder? masked = null;
            for (var at = Find(text); at >= 0; at = Find(text.AsSpan(from)))
            {
                var start = from + at;
                masked = (masked ?? new()).Append(text, from, start - from).Append(Mask);
                from = EndOf(text, start);
            }

            return masked is null ? text : masked.Append(text, from, text.Length - from).ToString();
        }

        /// <summary>Of a value that begins at <paramref name="start"/>, and of those that overlap it.</summary>
        private int EndOf(string text, int start)
        {
            var end = start + 1;
            for (var at = start; at < end; at++)
            {
                end = Math.Max(end, at + (_longestFirst.FirstOrDefault(form => text.AsSpan(at).StartsWith(form, StringComparison.Ordinal))?.Length ?? 0));
            }

            return end;
        }
    }
}
