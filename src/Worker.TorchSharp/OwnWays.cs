using System.Diagnostics;
using System.Globalization;
using Loadline.Examples;
using Loadline.Measuring;
using Loadline.Strategies.TorchSharp;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.PyBridge;

namespace Loadline.Worker.TorchSharp;

/// <summary>
/// Loads GPT-2 as TorchSharp's users do, without Loadline or by one of its strategies, and runs a forward: <c>own WAY MODEL CHECKPOINT [DEVICE]</c>. Nothing
/// reports from inside but how long both took: it is watched as any other program is.
/// </summary>
internal static class OwnWays
{
    /// <summary>The first argument.</summary>
    public const string Command = "own";

    private const int Vocabulary = 50257;
    private const int Context = 1024;

    private static readonly Dictionary<string, Func<string, string, Gpt2>> Ways = new()
    {
        // TorchSharp's own format, which Loadline writes as dat.
        ["Module.load"] = (model, path) => Into(model, gpt2 => gpt2.load(path)),
        ["load_state_dict"] = LoadStateDict,
        ["load_py"] = (model, path) => Into(model, gpt2 => gpt2.load_py(path)),
        ["load_safetensors"] = (model, path) => Into(model, gpt2 => gpt2.load_safetensors(path)),
        ["streamed"] = (model, path) => Ours(model, path, "streamed"),
        ["mmap-assign"] = (model, path) => Ours(model, path, "mmap-assign"),
    };

    private static readonly Dictionary<string, (int Width, int Heads, int Layers)> Models = new()
    {
        ["gpt2-small"] = (768, 12, 12),
        ["gpt2-medium"] = (1024, 16, 24),
    };

    public static int Run(string[] arguments)
    {
        if (arguments is not [var way, var name, var path, .. { Length: <= 1 } device] || !Ways.TryGetValue(way, out var load) || !Models.ContainsKey(name))
        {
            Console.Error.WriteLine($"write own WAY MODEL CHECKPOINT [DEVICE]: ways are {string.Join(", ", Ways.Keys)}; models are {string.Join(", ", Models.Keys)}");
            return ExitCodes.Refused;
        }

        using var noGrad = torch.no_grad();
        var clock = Stopwatch.StartNew();
        using var model = load(name, path);
        var target = torch.device(device is [var named] ? named : "cpu");
        model.to(target);
        var loaded = clock.Elapsed;
        using var logits = model.forward(torch.tensor(new long[,] { { 1, 2, 3 } }, device: target));
        var first = logits[0, 0, 0].item<float>();
        var computed = clock.Elapsed - loaded;
        Console.WriteLine($"{way}: {model.state_dict().Count} tensors, logits {string.Join(" × ", logits.shape)}, the first is {first:0.000000}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $$"""{"seconds": {{loaded.TotalSeconds:0.000000}}, "touchSeconds": {{computed.TotalSeconds:0.000000}}}"""));
        return ExitCodes.Loaded;
    }

    private static Gpt2 LoadStateDict(string name, string path)
    {
        using var source = Into(name, gpt2 => gpt2.load(path));
        return Into(name, gpt2 => gpt2.load_state_dict(source.state_dict()));
    }

    private static Gpt2 Ours(string name, string path, string strategy)
    {
        var model = Fresh(name);
        model.LoadWeights(path, strategy);
        return model;
    }

    private static Gpt2 Fresh(string name)
    {
        var (width, heads, layers) = Models[name];
        return new Gpt2(Vocabulary, Context, width, heads, layers);
    }

    private static Gpt2 Into(string name, Action<Gpt2> load)
    {
        var model = Fresh(name);
        foreach (var (child, module) in model.named_children())
        {
            if (module is Embedding embedding) embedding.weight = new Parameter(torch.randn(child == "tok_emb" ? Vocabulary : Context, Models[name].Width));
        }

        load(model);
        return model;
    }
}
