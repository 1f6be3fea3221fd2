using Loadline.Strategies.Words;

namespace Loadline.Strategies.TorchSharp;

/// <summary>
/// A file of a stream's length that takes no disk space: headers and weights are looked for in files, and every byte of one is read through
/// <see cref="ObservedReads"/>, which asks the stream instead.
/// </summary>
internal sealed class StreamFile : IDisposable
{
    private readonly DirectoryInfo _folder;

    public StreamFile(Stream stream)
    {
        if (!stream.CanSeek || !stream.CanRead) throw new ArgumentException("weights are loaded from a stream that can be read and can seek: copy this one into a file first", nameof(stream));
        _folder = Directory.CreateTempSubdirectory("loadline-stream-");
        Path = System.IO.Path.Combine(_folder.FullName, "stream");
        try
        {
            using var file = File.Create(Path);
            file.SetLength(stream.Length);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Its path, which errors name.</summary>
    public string Path { get; }

    public void Dispose() => _folder.Delete(recursive: true);
}
