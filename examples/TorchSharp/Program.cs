using Loadline;
using Loadline.Examples;
using Loadline.Strategies;
using Loadline.Strategies.TorchSharp;
using TorchSharp;

// gpt2-loader WAY CHECKPOINT: loads GPT-2 medium in one of TorchSharp's own ways, or by one of Loadline's strategies, and runs it once. The file may be
// laid out as the article's or as Hugging Face's; --no-forward behind it only loads. gpt2-loader ones: what every program with TorchSharp takes.
if (args is ["ones"])
{
    using var ones = torch.ones(1);
    Console.WriteLine($"ones: {ones.item<float>()}");
    return;
}

var (way, path) = (args[0], args[1]);
using var scope = torch.NewDisposeScope();
using var model = way switch
{
    "Module.load" => Own.ModuleLoad(path),
    "load_state_dict" => Own.LoadStateDict(path),
    _ when StrategyCatalog.TryFind(way, out var strategy) => Ours(path, strategy.Name),
    _ => throw new ArgumentException($"'{way}' is no way to load: choose Module.load, load_state_dict, {string.Join(", ", StrategyCatalog.All.Select(s => s.Name))}"),
};

// What the load alone takes.
if (args is [_, _, "--no-forward"]) return;

// Every layer is computed once: a mapped model that nobody uses proves nothing.
using var noGrad = torch.no_grad();
using var logits = model.forward(torch.tensor(new long[,] { { 1, 2, 3 } }));
Console.WriteLine($"{way}: {model.state_dict().Count} tensors, logits {string.Join(" × ", logits.shape)}, the first is {logits[0, 0, 0].item<float>():0.000000}");

static Gpt2 Ours(string path, string strategy)
{
    var model = Gpt2.Medium();
    var load = model.LoadWeights(path, strategy, options: HuggingFace.IsLayoutOf(path) ? HuggingFace.Options : null);
    Console.WriteLine($"{load.Strategy}: {ByteSize.Format(load.Bytes)} in {load.Seconds:0.00} s, {ByteSize.Format(load.MappedBytes)} of them mapped");
    return model;
}
