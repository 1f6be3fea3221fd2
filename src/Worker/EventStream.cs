using System.Text.Json;
using Loadline.Measuring;

namespace Loadline.Worker;

/// <summary>
/// Writes events as JSON lines, each in one write, so that a kill leaves whole lines. Keeps one buffer: what it takes does not grow with the samples.
/// </summary>
internal sealed class EventStream(Stream stream) : IDisposable
{
    private static ReadOnlySpan<byte> SampleStart => "{\"event\":\"sample\""u8;

    private readonly MemoryStream _line = new(capacity: 4096);
    private Utf8JsonWriter? _json;

    /// <summary>Compiles what tells the events of a load: done while one runs, it would be part of the load's time and of its peak.</summary>
    public void Prepare()
    {
        foreach (WorkerEvent e in (WorkerEvent[])[new PhaseEvent("", 0), new SampleEvent(0, 0, 0, 0, 0, 0, 0), new HoldersEvent([])]) Serialize(e);
    }

    public void Write(WorkerEvent e)
    {
        Serialize(e);
        _line.WriteByte((byte)'\n');
        stream.Write(_line.GetBuffer().AsSpan(0, (int)_line.Length));
        stream.Flush();
    }

    public void Dispose()
    {
        _json?.Dispose();
        stream.Dispose();
    }

    private void Serialize(WorkerEvent e)
    {
        _line.SetLength(0);
        if (_json is null) _json = new Utf8JsonWriter(_line);
        else _json.Reset();
        if (e is SampleEvent sample)
        {
            // Through its base type the serializer would take a kilobyte for each of them, and move the peak that they are to show.
            _line.Write(SampleStart);
            JsonSerializer.Serialize(_json, sample, WorkerJson.Default.SampleEvent);
            _json.Flush();
            _line.GetBuffer()[SampleStart.Length] = (byte)',';
        }
        else
        {
            JsonSerializer.Serialize(_json, e, WorkerJson.Default.WorkerEvent);
            _json.Flush();
        }
    }
}
