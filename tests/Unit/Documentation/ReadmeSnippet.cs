using Loadline.Strategies;
using Loadline.Tensors;

namespace Loadline.Unit.Documentation;

/// <summary>The README's ten lines, run on a fixture.</summary>
[Collection(nameof(Unit.Strategies.Alone))]
public sealed class ReadmeSnippet : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_loads_reads_writes_and_leaves_the_file_alone()
    {
        var file = _folder["model.safetensors"];
        File.WriteAllBytes(file, File.ReadAllBytes(Fixtures.Path("gpt2-tiny.safetensors")));
        var before = File.ReadAllBytes(file);
        var here = Environment.CurrentDirectory;
        try
        {
            Environment.CurrentDirectory = _folder.Path;
            Run();
        }
        finally
        {
            Environment.CurrentDirectory = here;
        }

        File.ReadAllBytes(file).Should().Equal(before);
    }

    private static void Run()
    {
        // <readme>
        using var model = Loader.Load("model.safetensors");               // mapped on the CPU: no anonymous memory yet
        var weight = model["out_head.weight"];
        Console.WriteLine($"{weight.DType}, {weight.ElementCount} elements, mapped: {weight.IsMapped}");

        Span<float> values = weight.AsSpan<float>();
        values[0] *= 2;                                                   // this page becomes private; the file never changes
        weight.CopyTo<float>(new float[8], start: 16);                    // out of it, wherever it is: mapped, with gaps, on a GPU

        var options = new LoadOptions { Strategy = "streamed", Device = Device.Cpu };
        using var owned = Loader.Load("model.safetensors", options);      // read by several threads, straight into place
        // </readme>
        values[0].Should().Be(2 * owned["out_head.weight"].AsSpan<float>()[0]);
    }
}
