using System.Text.Json;
using Loadline.Strategies.Runs;

namespace Loadline.Worker;

/// <summary>
/// Writes events as JSON lines, each in one write, so that a kill leaves whole lines. Keeps one buffer: what it takes does not grow with the samples.
/// </summary>
internal sealed class EventStream(Stream stream) : IDisposable
{
    private readonly MemoryStream _line = new(capacity: 4096);

    public void Write(WorkerEvent e)
    {
        _line.SetLength(0);
        using (var json = new Utf8JsonWriter(_line)) JsonSerializer.Serialize(json, e, WorkerJson.Default.WorkerEvent);
        _line.WriteByte((byte)'\n');
        stream.Write(_line.GetBuffer().AsSpan(0, (int)_line.Length));
        stream.Flush();
    }

    public void Dispose() => stream.Dispose();
}
