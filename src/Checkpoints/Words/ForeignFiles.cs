namespace Loadline.Checkpoints;

/// <summary>What people have instead of a checkpoint, told by the first bytes, and what to do about it.</summary>
internal static class ForeignFiles
{
    private static readonly (Func<byte[], bool> Fits, string What)[] Known =
    [
        (head => Starts(head, 0, "GGUF"u8), "is a GGUF file: get the model's safetensors instead"),
        (head => Starts(head, 0, "ggml"u8) || Starts(head, 0, "lmgg"u8) || Starts(head, 0, "tjgg"u8), "is a GGML file of llama.cpp: get the model's safetensors instead"),
        (head => Starts(head, 0, [0x89, (byte)'H', (byte)'D', (byte)'F']), "is an HDF5 file, as Keras and TensorFlow write: load it there and save its weights as safetensors, or get the model's safetensors"),
        (head => Starts(head, 0, [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y']), "is a NumPy array: load it with numpy and save it as safetensors"),
        (head => Starts(head, 4, "ET1"u8), "is an ExecuTorch program (.pte): save the state_dict() of the model that it was exported from"),
        (head => Starts(head, 4, "TFL3"u8), "is a TensorFlow Lite model: load it there, or get the model's safetensors"),
        (IsOnnx, "is an ONNX graph: save the state_dict() of the model that it was exported from"),
        (IsMindSpore, "is a checkpoint of MindSpore: load it there with load_checkpoint and save its arrays as safetensors"),
        (IsPaddle, "is a pickle of PaddlePaddle: load it there with paddle.load and save its arrays as safetensors"),
    ];

    /// <summary>What a file is, to follow its name; null where it is none of these.</summary>
    public static string? WhatIs(ReadOnlySpan<byte> head)
    {
        var bytes = head.ToArray();
        return Array.Find(Known, known => known.Fits(bytes)).What;
    }

    private static bool Starts(byte[] head, int at, ReadOnlySpan<byte> with) => head.Length > at && head.AsSpan(at).StartsWith(with);

    // ModelProto: the version of the format (a small number in field 1), then the producer's name, or an earlier field of the graph.
    private static bool IsOnnx(byte[] head) =>
        head is [0x08, >= 3 and <= 32, 0x12, > 0 and < 64, (>= (byte)'A' and <= (byte)'z'), ..] or [0x08, >= 3 and <= 32, 0x3a or 0x42, ..];

    // Checkpoint: repeated values in field 1, each with its name first and then a tensor with dims and the type as text.
    private static bool IsMindSpore(byte[] head)
    {
        var value = Varint(head, 1, out _);
        if (head is not [0x0a, ..] || value < 0 || value >= head.Length || head[value] != 0x0a) return false;
        var name = Varint(head, value + 1, out var length);
        return name > 0 && name + length + 1 < head.Length && head[name + length] == 0x12 && !head.AsSpan(name, length).ContainsAnyExceptInRange((byte)0x20, (byte)0x7e);
    }

    // A bare pickle of arrays, with a table of its own names.
    private static bool IsPaddle(byte[] head) => head is [0x80, >= 2 and <= 5, ..] && head.AsSpan().IndexOf("StructuredToParameterName@@"u8) >= 0;

    // Where a number ends, and what it is; -1 where it is none of up to 28 bits, or the head ends before.
    private static int Varint(byte[] head, int at, out int number)
    {
        number = 0;
        for (var shift = 0; shift < 28 && at < head.Length; shift += 7)
        {
            number |= (head[at] & 0x7f) << shift;
            if (head[at++] < 0x80) return at;
        }

        // The length of a value of gigabytes takes more, and says nothing that is used here.
        while (at < head.Length && head[at] >= 0x80) at++;
        return at + 1 < head.Length ? at + 1 : -1;
    }
}
